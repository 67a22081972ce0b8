-- What a session is set to decides what a row becomes.
CREATE DATABASE moody CHARACTER SET utf8mb4; USE moody;
CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, ts TIMESTAMP NULL, made TIMESTAMP DEFAULT CURRENT_TIMESTAMP, s VARCHAR(60), d DATE) ;
CREATE TABLE u (id INT AUTO_INCREMENT PRIMARY KEY, ts TIMESTAMP NULL, made TIMESTAMP DEFAULT CURRENT_TIMESTAMP, s VARCHAR(60)) ;
SET timestamp = 1600000000;
SET time_zone = '+02:00'; INSERT INTO t (ts) VALUES ('2020-01-01 00:00:00');
SET time_zone = '-08:00'; INSERT INTO t (ts) VALUES ('2020-01-01 00:00:00'); INSERT INTO u (ts) VALUES ('2020-01-01 00:00:00');
SET SESSION time_zone = '+00:00', timestamp = 1500000000;
INSERT INTO u (ts) VALUES (NOW()); INSERT INTO t (ts) VALUES (NOW());
SET timestamp = DEFAULT; SET timestamp = 1400000000;
SET insert_id = 100; INSERT INTO t (s) VALUES ('id 100'); INSERT INTO t (s) VALUES ('id 101');
SET insert_id = 500, @@session.time_zone = '+01:00'; INSERT INTO u (s, ts) VALUES ('id 500', '2021-01-01'), ('next', NULL);
SET last_insert_id = 77; INSERT INTO t (s) VALUES (LAST_INSERT_ID());
SET auto_increment_increment = 10, auto_increment_offset = 3;
INSERT INTO t (s) VALUES ('by tens'), ('by tens'); INSERT INTO u (s) VALUES ('by tens');
SET auto_increment_increment = 1; SET auto_increment_offset = DEFAULT;
INSERT INTO u (s) VALUES ('by ones'); INSERT INTO t (s) VALUES ('by ones');

SET @OLD_MODE = @@sql_mode;
SET sql_mode = ''; INSERT INTO t (s, d) VALUES (REPEAT('x', 70), '2020-02-31'); INSERT INTO t (id, s) VALUES (0, 'counted');
SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'; INSERT INTO t (id, s) VALUES (0, 'zero');
SET sql_mode = 'ALLOW_INVALID_DATES'; INSERT INTO t (d) VALUES ('2020-02-31');
SET sql_mode = 'NO_BACKSLASH_ESCAPES'; INSERT INTO t (s) VALUES ('C:\'), ('\n'); INSERT INTO u (s) VALUES ('D:\');
SET sql_mode = 'ANSI_QUOTES'; INSERT INTO "t" ("s") VALUES ('a"b;'), ('c\'d');
SET sql_mode = CONCAT(@@sql_mode, ',PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES'); INSERT INTO "u" ("s") VALUES ('x' || ';' || '\');
SET sql_mode = ''; INSERT INTO t (s) VALUES ("double; quotes"), ("it's \" \\");
SET sql_mode = 'PAD_CHAR_TO_FULL_LENGTH,HIGH_NOT_PRECEDENCE'; INSERT INTO t (s) VALUES (NOT 1 BETWEEN -5 AND 5);
SET sql_mode = @OLD_MODE;

SET @x = 1;
INSERT INTO t (s) VALUES (@x); SET @x = @x + 1; INSERT INTO u (s) VALUES (@x); SET @x := CONCAT(@x, ';', (SELECT MAX(id) FROM u));
INSERT INTO t (s) VALUES (@x);
SELECT COUNT(*) INTO @rows FROM t; INSERT INTO u (s) VALUES (@rows);
SELECT @a := MAX(id), @b := MIN(id) FROM t; INSERT INTO u (s) VALUES (CONCAT(@a, @b));

SET collation_connection = utf8mb4_bin; CREATE VIEW v1 AS SELECT 'a' AS a;
SET collation_connection = utf8mb4_general_ci; CREATE VIEW v2 AS SELECT 'a' AS a;
SET default_storage_engine = MyISAM; CREATE TABLE my (a INT);
SET default_storage_engine = InnoDB; CREATE TABLE inno (a INT);
SET SESSION foreign_key_checks = OFF; CREATE TABLE orphan (a INT, KEY (a), FOREIGN KEY (a) REFERENCES inno_parent (a)); INSERT INTO orphan VALUES (7);
SET SESSION foreign_key_checks = ON; CREATE TABLE inno_parent (a INT PRIMARY KEY); INSERT INTO inno_parent VALUES (8); INSERT INTO orphan VALUES (8);
SET div_precision_increment = 8; CREATE TABLE thirds AS SELECT 1 / 3 AS third;
SET div_precision_increment = 2; INSERT INTO thirds SELECT 2 / 3;
SET group_concat_max_len = 5, sql_mode = ''; INSERT INTO t (s) SELECT GROUP_CONCAT(s) FROM u;
SET SESSION sql_safe_updates = 1; SET SESSION sql_safe_updates = 0; UPDATE t SET s = 'updated' WHERE s = '2';
SET SESSION sql_select_limit = 1; CREATE TABLE limited AS SELECT a FROM (SELECT 1 AS a UNION SELECT 2) x; SET SESSION sql_select_limit = DEFAULT;
SET rand_seed1 = 10, rand_seed2 = 20; INSERT INTO t (s) VALUES (RAND());
SET lc_time_names = 'de_DE'; INSERT INTO t (s) VALUES (DATE_FORMAT('2020-03-03', '%M; %W')); SET lc_time_names = 'en_US';
