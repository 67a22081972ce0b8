-- Delimiters and comments in all the places where they are none.
CREATE DATABASE delim;
use delim
CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, s VARCHAR(200));
DELIMITER //
INSERT INTO t (s) VALUES ('a;b'); INSERT INTO t (s) VALUES ('two statements under one delimiter') //
CREATE PROCEDURE a() BEGIN INSERT INTO t (s) VALUES ('//;'); -- // in a comment
  # // in another
  /* // and ' in a third */ INSERT INTO t (s) VALUES ("//"); END
//
DELIMITER $$
DROP PROCEDURE IF EXISTS b; CREATE PROCEDURE b() BEGIN CALL a(); SELECT 'a$$b'; END$$
delimiter ;
CALL a(); CALL b();
DELIMITER go
CREATE PROCEDURE walk() BEGIN INSERT INTO t (s) VALUES ('go'); END
go
CALL walk() go
DELIMITER ;;
INSERT INTO t (s) VALUES (';'), (';;'), ('a;;b') ;;
/*!50003 CREATE PROCEDURE c() BEGIN INSERT INTO t (s) VALUES ('versioned;'); END */;;
/*!99999999 THIS IS NO SQL; */ ;;
DELIMITER ;
CALL c();
INSERT INTO t (s) VALUES ('x') -- comment; with a semicolon
, ('y') # and another; one
, ('z') /* third;
 one */;
INSERT INTO t (s) VALUES ('--'), ('#'), ('/*'), ('*/'), (5--1), (6/*a;b*/+1);
INSERT INTO t (s) SELECT 'g'\g
INSERT INTO t (s) VALUES ('\\'), ('\''), (''''), ("\""), (""""), ('\\\\');
INSERT INTO t (s) VALUES ('a'
 'b;'
 "c;");
INSERT INTO t (s) VALUES ('a\
b'), ('DELIMITER //'), ('
DELIMITER //
');
INSERT INTO t (s) VALUES (/*! 'conditional;' */), (/*!40101 1 + */ 1), (/*+ no hint; */ 2), (/*!999999 3 + */ 3);
CREATE TABLE `a``;b` (`c;``` INT DEFAULT '1' COMMENT ';'); INSERT INTO `a``;b` VALUES (1);;
; ;
INSERT INTO t (s) VALUES ('no terminator')
