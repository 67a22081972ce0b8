-- a comment; with a semicolon
CREATE DATABASE rich DEFAULT CHARACTER SET utf8mb4;
USE rich
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, a TEXT, b LONGBLOB, ts TIMESTAMP NULL)
  COMMENT='it''s; -- "quoted" `text`';
SET TIME_ZONE='+00:00';
INSERT INTO t VALUES (0,'{{ jinja }} {# no #} %s %(x)s :bind a << b $HOME', x'00ff27', '2020-01-01 00:00:00');
INSERT INTO t (a) VALUES ('it''s \'escaped\' \\'),("double ""quotes""; /* no comment */ -- nor this"),
  ('# not a comment'), ('\N'), ('line one
line two'), ('emoji ðŸ€ and Ã¼');
SET SQL_MODE='NO_BACKSLASH_ESCAPES';
INSERT INTO t (a) VALUES ('C:\'), ('D:\');
SET SQL_MODE='ANSI_QUOTES,NO_BACKSLASH_ESCAPES';
CREATE TABLE "odd; ""name""" ("a\" INT);
INSERT INTO "odd; ""name""" VALUES (1);
SET SQL_MODE=@OLD_SQL_MODE;
SET NAMES latin1;
INSERT INTO t (a) VALUES ('latin1: äö');
SET NAMES utf8mb4;
INSERT INTO t (b) VALUES (_binary '\0\'\"\\ÿþ\Z');
DELIMITER $$
CREATE PROCEDURE p(IN n INT) BEGIN
  -- a comment; inside
  DECLARE s VARCHAR(9) DEFAULT ';';
  IF n > 0 THEN INSERT INTO t (a) VALUES (CONCAT('p', s)); END IF;
END$$
CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW BEGIN SET NEW.a = COALESCE(NEW.a, ';'); END $$
CREATE EVENT ev ON SCHEDULE EVERY 1 YEAR STARTS '2030-01-01 00:00:00' DO BEGIN SELECT 1; END$$
DELIMITER ;
CALL p(1);
CREATE VIEW v AS SELECT id, a FROM t WHERE a LIKE '%;%';
/*!50003 CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1 */;
SELECT * FROM t;
INSERT INTO t (a) VALUES ('the last one has no terminator')
