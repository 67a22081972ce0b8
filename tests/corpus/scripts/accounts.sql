-- Accounts, and definitions that belong to them.
CREATE DATABASE owned; USE owned;
CREATE USER 'it''s me'@'localhost' IDENTIFIED BY 'a;b''c', `plain`@`%` IDENTIFIED BY 'x';
CREATE ROLE reader;
GRANT SELECT ON owned.* TO reader;
GRANT reader TO plain;
GRANT INSERT, UPDATE ON `owned`.* TO 'it''s me'@'localhost' WITH GRANT OPTION;
CREATE TABLE t (a INT PRIMARY KEY, b INT);
GRANT SELECT (a), UPDATE (b) ON owned.t TO plain;
INSERT INTO t VALUES (1, 2);
CREATE DEFINER = plain SQL SECURITY DEFINER VIEW v AS SELECT a FROM t;
CREATE DEFINER = 'nobody; here'@'%' VIEW lost AS SELECT a FROM t;
CREATE DEFINER = plain TRIGGER tr BEFORE UPDATE ON t FOR EACH ROW SET NEW.b = OLD.b + 1;
REVOKE UPDATE ON owned.* FROM 'it''s me'@'localhost';
CREATE USER gone; DROP USER gone;
RENAME USER plain TO renamed;
FLUSH PRIVILEGES;
SET GLOBAL max_connections = 123;
SET GLOBAL long_query_time = 9;
