-- A little of everything that MySQL and MariaDB both have. Loaded by the real client; the tests
-- dump it with the real tools.
SET NAMES utf8mb4;
SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO', time_zone = '+00:00',
  timestamp = 1700000000, foreign_key_checks = 0;
SET @bytes = x'000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff';

CREATE DATABASE corpus_a DEFAULT CHARACTER SET utf8mb4;
CREATE DATABASE corpus_b DEFAULT CHARACTER SET latin1 COLLATE latin1_german1_ci;
CREATE DATABASE `corpus ``c``. "ü" $1` DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
USE corpus_a;

CREATE TABLE numbers (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  tiny TINYINT, filled SMALLINT(5) UNSIGNED ZEROFILL, medium MEDIUMINT, big BIGINT,
  exact DECIMAL(65,30), single FLOAT, twice DOUBLE, one BIT(1), many BIT(64), truth BOOLEAN
) COMMENT = 'it''s; -- "quoted" `text` \\';
INSERT INTO numbers VALUES
  (0, -128, 7, 8388607, -9223372036854775808, 12345678901234567890123456789012345.123456789012345678901234567891, 0.5, 1.7976931348623157e308, b'1', b'1010101010101010101010101010101010101010101010101010101010101010', TRUE),
  (5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (NULL, 127, 65535, -8388608, 9223372036854775807, -0.000000000000000000000000000001, -1.5e-10, -2.2250738585072014e-308, b'0', b'0', FALSE);
DELETE FROM numbers WHERE id = 5;

CREATE TABLE times (
  id INT NOT NULL PRIMARY KEY, day DATE, moment DATETIME(6), stamp TIMESTAMP(3) NULL, span TIME(6),
  y YEAR, made TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP
);
INSERT INTO times VALUES
  (1, '0000-00-00', '0000-00-00 00:00:00', '2001-02-03 04:05:06.789', '-838:59:59', 1901, '0000-00-00 00:00:00'),
  (2, '9999-12-31', '2024-02-29 23:59:59.999999', '1970-01-01 00:00:01', '12:34:56.789012', 2155, NOW()),
  (3, '2023-00-00', NULL, NULL, NULL, NULL, '2038-01-19 03:14:07');

CREATE TABLE texts (
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  fixed CHAR(10), short VARCHAR(255) DEFAULT 'a;b''c\\', body TEXT, large LONGTEXT,
  bytes BINARY(4), some VARBINARY(300), tiny TINYBLOB, mid MEDIUMBLOB, big LONGBLOB,
  choice ENUM('', 'a''b', 'ü;', 'x,y', '`--`'), several SET('a', 'b;c', 'd''e', '/*'),
  doc JSON, shape GEOMETRY, KEY prefix (body(20), short(7)), FULLTEXT KEY words (body, large)
) DEFAULT CHARSET = utf8mb4;
INSERT INTO texts (fixed, short, body, large, bytes, some, tiny, mid, big, choice, several, doc, shape) VALUES
  ('x  ', 'semi;colon', '-- no comment\n# nor this\n/* nor this', '),(1,2); VALUES (', x'00ff', @bytes, x'', @bytes, CONCAT(@bytes, @bytes), '', '', '{"a;": [1, "it''s", null, "\\u00e4\\""]}', ST_GeomFromText('POINT(1 2)')),
  ('', '\\', 'ends with a backslash\\', 'INSERT INTO `x` VALUES (1);', '\'"`', '\\', '\0', x'5c27', x'0a0d1a', 'a''b', 'a,b;c', '[]', ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))')),
  ('🐀', 'größe 日本語', 'a\r\nb\tc\0d\Ze', 'DELIMITER //\nDROP TABLE texts//\n', x'27272727', 'a''b"c', 'x', NULL, NULL, 'ü;', 'd''e,/*', 'null', ST_GeomFromText('LINESTRING(0 0,1 1)')),
  (NULL, NULL, '*/ /*! SELECT 1 */ \\n \\N', '''', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  ('0', DEFAULT, 'NULL', '`', 'NULL', 'NULL', 'NULL', 'NULL', 'NULL', '`--`', 'a,b;c,d''e,/*', '"\\\\"', NULL);

CREATE TABLE computed (
  a INT NOT NULL, b INT, sum_v INT AS (a + b) VIRTUAL, sum_s INT AS (a + b + 1) STORED,
  label VARCHAR(40) GENERATED ALWAYS AS (CONCAT('n;', a)) VIRTUAL, PRIMARY KEY (a), KEY (sum_s), KEY (label),
  CONSTRAINT `positive; really` CHECK (b > 0 AND b <> 77), CONSTRAINT ordered CHECK (a <= b)
);
INSERT INTO computed (a, b) VALUES (1, 2), (3, 4), (5, 6);

CREATE TABLE no_key (a INT, b VARCHAR(20), KEY (a, b));
INSERT INTO no_key VALUES (3, 'third'), (1, 'first'), (2, 'second'), (1, 'first'), (NULL, NULL);

CREATE TABLE nullable_unique (a INT NULL, b INT NULL, UNIQUE KEY u (a, b), UNIQUE KEY v (b));
INSERT INTO nullable_unique VALUES (1, NULL), (1, NULL), (NULL, 2), (NULL, 3);

CREATE TABLE counted (part INT NOT NULL, n INT NOT NULL AUTO_INCREMENT, note TEXT, PRIMARY KEY (part, n), KEY (n));
INSERT INTO counted VALUES (1, 0, 'zero'), (1, 10, 'ten'), (2, 0, 'zero again'), (2, NULL, 'next');
ALTER TABLE counted AUTO_INCREMENT = 5000;

CREATE TABLE down_keys (a INT, b INT, c INT, PRIMARY KEY (a DESC, b), KEY d (c DESC, a)) ROW_FORMAT = COMPRESSED KEY_BLOCK_SIZE = 4;
INSERT INTO down_keys VALUES (1, 1, 1), (2, 1, 5), (2, 2, 3), (3, 1, 2);

CREATE TABLE tree (id INT PRIMARY KEY, parent INT, CONSTRAINT up FOREIGN KEY (parent) REFERENCES tree (id) ON DELETE CASCADE ON UPDATE SET NULL);
INSERT INTO tree VALUES (1, 3), (2, 1), (3, 2), (4, 4), (5, NULL);
CREATE TABLE egg (id INT PRIMARY KEY, hen INT, CONSTRAINT laid FOREIGN KEY (hen) REFERENCES corpus_b.hen (id));
CREATE TABLE corpus_b.hen (id INT PRIMARY KEY, egg INT, KEY e (egg), CONSTRAINT hatched FOREIGN KEY (egg) REFERENCES corpus_a.egg (id));
INSERT INTO egg VALUES (1, 2), (2, 1);
INSERT INTO corpus_b.hen VALUES (1, 1), (2, 2);
CREATE TABLE pair (a INT, b CHAR(2), x INT, PRIMARY KEY (a, b)) DEFAULT CHARSET = latin1;
CREATE TABLE a_child (a INT, b CHAR(2), n INT AUTO_INCREMENT, KEY (n), CONSTRAINT FOREIGN KEY (a, b) REFERENCES pair (a, b)) DEFAULT CHARSET = latin1;
INSERT INTO pair VALUES (1, 'x', 1), (1, 'y', 2);
INSERT INTO a_child VALUES (1, 'y', NULL), (NULL, 'x', NULL), (1, 'x', 100);

CREATE TABLE by_range (id INT NOT NULL, y INT NOT NULL, v TEXT, PRIMARY KEY (id, y))
  PARTITION BY RANGE (y) SUBPARTITION BY HASH (id) SUBPARTITIONS 2
  (PARTITION `p;1` VALUES LESS THAN (2000) COMMENT = 'old; ones', PARTITION p2 VALUES LESS THAN MAXVALUE);
INSERT INTO by_range VALUES (1, 1999, 'a'), (2, 2000, 'b'), (3, 1998, 'c');
CREATE TABLE by_hash (a INT, b INT) PARTITION BY HASH (a) PARTITIONS 3;
INSERT INTO by_hash VALUES (5, 1), (4, 2), (3, 3), (2, 4), (1, 5), (0, 6);
CREATE TABLE by_list (a INT, b VARCHAR(9)) PARTITION BY LIST COLUMNS (b)
  (PARTITION x VALUES IN ('a', 'it''s'), PARTITION y VALUES IN ('ü', NULL));
INSERT INTO by_list VALUES (1, 'ü'), (2, 'a'), (3, 'it''s'), (4, NULL);

CREATE TABLE places (id INT PRIMARY KEY, p POINT NOT NULL, SPATIAL KEY (p));
INSERT INTO places VALUES (1, ST_GeomFromText('POINT(39 -92)')), (2, ST_GeomFromText('POINT(0 0)'));

CREATE TABLE my_isam (a INT, n INT NOT NULL AUTO_INCREMENT, v VARCHAR(30), PRIMARY KEY (a, n), FULLTEXT KEY (v)) ENGINE = MyISAM;
INSERT INTO my_isam (a, v) VALUES (1, 'one'), (2, 'two'), (1, 'one more'), (2, 'again two');
DELETE FROM my_isam WHERE v = 'one';
CREATE TABLE in_memory (a INT, b VARCHAR(10), KEY (a) USING HASH, KEY (b) USING BTREE) ENGINE = MEMORY;
INSERT INTO in_memory VALUES (2, 'b'), (1, 'a'), (2, 'b');
CREATE TABLE as_csv (a INT NOT NULL, b VARCHAR(50) NOT NULL) ENGINE = CSV;
INSERT INTO as_csv VALUES (1, 'comma, "quoted"; \\ new\nline'), (0, '');

CREATE TABLE `na``me . with; "every" 'quote' -- $and /*more*/` (
  `key` INT PRIMARY KEY, `se;lect` INT, `back``tick` INT, `größe` VARCHAR(9) COMMENT '''', `$x` INT DEFAULT -1, `a b` INT, KEY `k;"` (`se;lect`)
);
INSERT INTO `na``me . with; "every" 'quote' -- $and /*more*/` VALUES (1, 2, 3, 'ß', 5, 6);
CREATE TABLE Über日本 (α INT PRIMARY KEY) COMMENT '日本語';
INSERT INTO Über日本 VALUES (1);
CREATE TABLE western (a VARCHAR(20) CHARACTER SET latin1, b VARCHAR(20) CHARACTER SET utf16, c CHAR(5) CHARACTER SET ascii, d VARCHAR(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, e VARCHAR(9) CHARACTER SET koi8r) DEFAULT CHARSET = latin1;
INSERT INTO western VALUES ('déjà €', 'utf16 🐀', 'plain', 'Ω', 'ж');
CREATE TABLE no_rows (a INT AUTO_INCREMENT PRIMARY KEY) AUTO_INCREMENT = 42;
CREATE TABLE last_id (a INT AUTO_INCREMENT PRIMARY KEY);
INSERT INTO last_id VALUES (1), (100);
DELETE FROM last_id;

CREATE TABLE journal (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(60));
DELIMITER //
CREATE DEFINER = 'corpus author'@'%' TRIGGER first_of_two BEFORE INSERT ON tree FOR EACH ROW
BEGIN
  -- a comment; with // and ;; in it
  IF NEW.id < 0 THEN SET NEW.id = 0; END IF; /* ;; */
  INSERT INTO journal (what) VALUES (CONCAT('before; ', NEW.id));
END//
CREATE TRIGGER second_of_two BEFORE INSERT ON tree FOR EACH ROW
  INSERT INTO journal (what) VALUES ('second;;')//
CREATE TRIGGER between_them BEFORE INSERT ON tree FOR EACH ROW PRECEDES second_of_two
  SET @between = CONCAT(';;', '//', '$$')//
SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'//
CREATE TRIGGER "other mode" AFTER DELETE ON "tree" FOR EACH ROW
  INSERT INTO "journal" ("what") VALUES ('C:\' || 'x;')//
CREATE FUNCTION "path; of"(n INT) RETURNS VARCHAR(60) DETERMINISTIC RETURN 'D:\' || n//
SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO'//
CREATE DEFINER = 'corpus author'@'%' PROCEDURE fill(IN n INT, OUT done BOOL) SQL SECURITY INVOKER MODIFIES SQL DATA COMMENT 'it''s; //'
again: BEGIN
  DECLARE i INT DEFAULT 0;
  DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN SET done = FALSE; END;
  # hash; comment
  SET done = n > 0 AND '\\' <> ';;'; -- '
END again//
CREATE PROCEDURE fill_right(n INT)
again: BEGIN
  DECLARE i INT DEFAULT 0;
  more: WHILE i < n DO
    SET i = i + 1; -- ;; in a comment
    IF i = 2 THEN ITERATE more; END IF;
    INSERT INTO journal (what) VALUES (CONCAT('i;', i, '\\'));
  END WHILE;
END again//
CREATE FUNCTION twice(n INT) RETURNS INT DETERMINISTIC RETURN n * 2//
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY STARTS '2035-01-01 03:00:00' ENDS '2036-01-01 00:00:00' ON COMPLETION PRESERVE DISABLE COMMENT 'zzz;'
  DO BEGIN DELETE FROM journal WHERE id < 0; INSERT INTO journal (what) VALUES ('event;'); END//
SET time_zone = '+05:30'//
CREATE EVENT `once; only` ON SCHEDULE AT '2037-05-06 07:08:09' DO SELECT 1//
SET time_zone = '+00:00'//
DELIMITER ;
CALL fill_right(3);

CREATE ALGORITHM = MERGE DEFINER = 'corpus author'@'%' SQL SECURITY DEFINER VIEW z_first AS SELECT a, b, twice(a) AS `double; a` FROM computed WHERE b > 0 WITH CASCADED CHECK OPTION;
CREATE ALGORITHM = TEMPTABLE SQL SECURITY INVOKER VIEW a_second (`x;y`, n) AS SELECT b, COUNT(*) FROM z_first GROUP BY b;
CREATE VIEW corpus_b.third AS SELECT s.n, 'text; with ''quotes'' -- \\' AS note FROM corpus_a.a_second s LEFT JOIN corpus_b.hen ON hen.id = s.n;
CREATE VIEW `corpus ``c``. "ü" $1`.`v;iew` AS SELECT * FROM corpus_b.third UNION SELECT 1, '🐀';
USE `corpus ``c``. "ü" $1`;
CREATE TABLE `t` (a INT PRIMARY KEY, b INT, CONSTRAINT `f;k` FOREIGN KEY (b) REFERENCES corpus_a.tree (id));
INSERT INTO t VALUES (1, 1), (2, 4);
