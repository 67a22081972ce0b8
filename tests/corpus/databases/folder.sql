-- What mydumper 0.10 takes down without loss: plain names, the server's own sql_mode, and programs of
-- one line, because it adds a blank behind each semicolon at the end of one.
SET NAMES utf8mb4;
CREATE DATABASE corpus_folder DEFAULT CHARACTER SET utf8mb4;
USE corpus_folder;
CREATE TABLE z_parent (id INT NOT NULL PRIMARY KEY, bytes BLOB, doc JSON, flags BIT(9), at TIMESTAMP NULL);
CREATE TABLE a_child (id INT AUTO_INCREMENT PRIMARY KEY, parent INT, s VARCHAR(99), KEY (s), CONSTRAINT a_parent FOREIGN KEY (parent) REFERENCES z_parent (id));
CREATE TABLE no_key (a INT, s TEXT);
CREATE TABLE log (id INT AUTO_INCREMENT PRIMARY KEY, what TEXT);
INSERT INTO z_parent VALUES (0, x'0027225c00', '{"a;": "\\"\\\\"}', b'101', '2020-01-01 10:00:00'), (5, '', 'null', 0, NULL), (6, NULL, NULL, NULL, NULL);
INSERT INTO a_child (parent, s) VALUES (5, 'it''s; --'), (0, '),( VALUES ('), (NULL, 'größe 🐀\\');
DELETE FROM a_child WHERE parent = 0;
INSERT INTO no_key VALUES (3, 'c'), (1, 'a;\n'), (3, 'c'), (NULL, NULL);
DELIMITER //
CREATE TRIGGER a_bi BEFORE INSERT ON a_child FOR EACH ROW
BEGIN INSERT INTO log (what) VALUES (CONCAT('before; ', NEW.s)); END//
CREATE TRIGGER a_au AFTER UPDATE ON a_child FOR EACH ROW INSERT INTO log (what) VALUES ('after')//
DELIMITER ;
INSERT INTO a_child (parent, s) VALUES (6, 'fires');
CREATE VIEW c_view AS SELECT id, s FROM a_child;
CREATE VIEW b_view AS SELECT id, s FROM c_view WHERE id > 0;
