-- What only MySQL has.
SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO', foreign_key_checks = 0;
USE corpus_a;
CREATE TABLE only_mysql (
  id INT AUTO_INCREMENT PRIMARY KEY, doc JSON DEFAULT (JSON_OBJECT('a;', 1)), name VARCHAR(40), hidden INT INVISIBLE DEFAULT 7,
  place POINT NOT NULL SRID 4326, direction VECTOR(3), token BINARY(16) DEFAULT (UUID_TO_BIN('6ccd780c-baba-1026-9564-5b8c656024db')),
  numbers JSON, KEY lowered ((LOWER(name))), KEY unseen (name) INVISIBLE, KEY several ((CAST(numbers->'$[*]' AS UNSIGNED ARRAY))),
  SPATIAL KEY (place), CONSTRAINT later CHECK (name > 'a;') NOT ENFORCED
) ENCRYPTION = 'N';
INSERT INTO only_mysql (doc, name, hidden, place, direction, numbers) VALUES
  ('{"k": "v;"}', 'Ärger', 1, ST_GeomFromText('POINT(39 -92)', 4326), STRING_TO_VECTOR('[1,2.5,-3]'), '[1, 2, 3]'),
  (DEFAULT, 'B;', DEFAULT, ST_GeomFromText('POINT(0 0)', 4326), NULL, '[]');
-- ARCHIVE refuses explicit numbers in descending order, so a dump of a counted one doesn't load.
CREATE TABLE kept (a INT, b TEXT) ENGINE = ARCHIVE;
INSERT INTO kept VALUES (1, 'one'), (2, REPEAT('two;', 100));
CREATE TABLE collected (a INT PRIMARY KEY, b VARCHAR(20) COLLATE utf8mb4_0900_as_cs, c VARCHAR(9) COLLATE utf8mb4_ja_0900_as_cs);
INSERT INTO collected VALUES (1, 'Ä', 'かな'), (2, 'ä', 'カナ');
ANALYZE TABLE computed UPDATE HISTOGRAM ON b WITH 4 BUCKETS;
