-- Written on Windows; with quotes over several lines.
CREATE DATABASE windows;
USE windows;
CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, s TEXT);
INSERT INTO t (s) VALUES ('one
two;
-- three
'), ('a\
b');
DELIMITER $$
CREATE PROCEDURE p()
BEGIN
  INSERT INTO t (s) VALUES ('in; a procedure'); # comment
END
$$
DELIMITER ;
CALL p();
