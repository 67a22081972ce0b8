-- What only MySQL takes.
SET timestamp = 1700000000;
CREATE DATABASE eight; USE eight;
CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, doc JSON, tag VARCHAR(20), tags JSON, KEY ((LOWER(tag))), KEY ((CAST(tags AS CHAR(10) ARRAY))));
INSERT INTO t (doc, tag, tags) VALUES ('{"a;": "\\"\\\\"}', 'Ü', '["x"]'), (JSON_OBJECT('k', NOW()), 'dollar$$;', '[]'), (NULL, 'a$x$;', NULL);
INSERT INTO t VALUES ROW(NULL, '1', 'a', '[]'), ROW(10, '2', 'b;', '[]');
INSERT INTO t (tag) VALUES ('new') AS fresh ON DUPLICATE KEY UPDATE tag = CONCAT(fresh.tag, ';');
INSERT INTO t SET tag = 'set;', doc = '[1]' AS n ON DUPLICATE KEY UPDATE tag = n.tag;
CREATE TABLE hidden (a INT) ; SET sql_generate_invisible_primary_key = ON; CREATE TABLE hidden_key (a INT); SET sql_generate_invisible_primary_key = OFF;
INSERT INTO hidden_key VALUES (3), (1);
INSERT INTO hidden TABLE hidden_key;
INSERT INTO hidden VALUES (1), (2) ; REPLACE INTO hidden VALUES ROW(5);
WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT * FROM n;
INSERT INTO hidden WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT i FROM n;
SET PERSIST_ONLY sort_buffer_size = 262144; RESET PERSIST;
CREATE TABLE spaces (g GEOMETRY NOT NULL SRID 4326, SPATIAL KEY (g)); INSERT INTO spaces VALUES (ST_SRID(POINT(1, 2), 4326));
ALTER TABLE t ALTER INDEX functional_index INVISIBLE, ADD CHECK (tag > ';') NOT ENFORCED;
CREATE TABLE `select` (`from` INT) SELECT 1 AS `from`;
