-- Statements whose outcome depends on what came before them, in the same table or in another.
CREATE DATABASE ordered; USE ordered;
CREATE TABLE word (id INT AUTO_INCREMENT PRIMARY KEY, w VARCHAR(40) UNIQUE, n INT DEFAULT 0, seen INT DEFAULT 0);
CREATE TABLE tally (w VARCHAR(40) PRIMARY KEY, n INT);
CREATE TABLE log (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(50));
DELIMITER //
CREATE TRIGGER word_bi BEFORE INSERT ON word FOR EACH ROW
  SET NEW.seen = (SELECT COUNT(*) FROM log) //
CREATE TRIGGER word_ai AFTER INSERT ON word FOR EACH ROW BEGIN
  INSERT INTO log (what) VALUES (CONCAT('insert; ', NEW.w));
  INSERT INTO tally VALUES (COALESCE(NEW.w, '?'), 1) ON DUPLICATE KEY UPDATE n = n + 1;
END //
CREATE TRIGGER word_au AFTER UPDATE ON word FOR EACH ROW INSERT INTO log (what) VALUES (CONCAT('update; ', NEW.w))//
CREATE TRIGGER word_ad AFTER DELETE ON word FOR EACH ROW INSERT INTO log (what) VALUES (CONCAT('delete; ', OLD.w))//
DELIMITER ;
INSERT INTO word (w) VALUES ('a'), ('b');
INSERT IGNORE INTO word (w, n) VALUES ('a', 9), ('c', 1), ('c', 2);
REPLACE INTO word (w, n) VALUES ('b', 5), ('d', 6);
INSERT INTO word (w, n) VALUES ('a', 1), ('e', 2) ON DUPLICATE KEY UPDATE n = n + 10, seen = seen + 100;
INSERT INTO log (what) VALUES ('direct');
INSERT INTO word (w) VALUES ('f');
UPDATE word SET n = n + 1 ORDER BY id DESC LIMIT 2;
DELETE FROM word WHERE n > 5;
INSERT INTO tally SELECT w, n FROM word ON DUPLICATE KEY UPDATE tally.n = tally.n * 2;
REPLACE INTO tally VALUES ('a', 100);
INSERT INTO word (id, w) VALUES (50, 'fifty');
INSERT INTO word (w) VALUES ('after fifty'), (NULL), (NULL);

-- The same table twice, in two shapes.
CREATE TABLE twice (a INT PRIMARY KEY); INSERT INTO twice VALUES (1), (2);
DROP TABLE twice;
CREATE TABLE twice (b VARCHAR(9), KEY (b)); INSERT INTO twice VALUES ('x'), ('a'), ('x');
INSERT INTO log (what) SELECT CONCAT('twice;', b) FROM twice;

-- Names change hands.
CREATE TABLE left_one (a INT); CREATE TABLE right_one (a INT);
INSERT INTO left_one VALUES (1);
INSERT INTO right_one VALUES (2);
RENAME TABLE left_one TO hand, right_one TO left_one, hand TO right_one;
INSERT INTO left_one VALUES (3);
INSERT INTO right_one VALUES (4);
ALTER TABLE left_one RENAME TO third_one;
INSERT INTO third_one VALUES (5);
CREATE TABLE left_one (a INT) SELECT a + 100 AS a FROM third_one;
DROP TABLE IF EXISTS nobody, right_one;

-- A schema dropped and made anew in the middle.
CREATE DATABASE again; CREATE TABLE again.t (a INT); INSERT INTO again.t VALUES (1);
DROP DATABASE again; CREATE DATABASE again; CREATE TABLE again.t (b INT); INSERT INTO again.t VALUES (2);
INSERT INTO again.t SELECT a FROM left_one;
INSERT INTO ordered.log (what) SELECT b FROM again.t ORDER BY b;
