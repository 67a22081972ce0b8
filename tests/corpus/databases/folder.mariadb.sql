-- Of MySQL 9's routines mydumper 0.10 writes what no server reads: SET character_set_client = ;
USE corpus_folder;
DELIMITER //
CREATE PROCEDURE p(n INT) BEGIN DECLARE x INT DEFAULT 1; INSERT INTO log (what) VALUES ('p;'); END//
CREATE FUNCTION f(n INT) RETURNS INT DETERMINISTIC RETURN n + 1//
DELIMITER ;
