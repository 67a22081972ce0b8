-- What a course's script does: everything in one file, checks on, time and numbers from the server.
SET timestamp = 1700000000;
DROP DATABASE IF EXISTS school;
CREATE DATABASE school;
USE school

CREATE TABLE teacher (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50) UNIQUE, hired DATETIME DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE course (
  id INT AUTO_INCREMENT PRIMARY KEY, title VARCHAR(50), teacher INT, seats INT DEFAULT 10,
  changed TIMESTAMP DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  FOREIGN KEY (teacher) REFERENCES teacher (id) ON DELETE SET NULL
);
CREATE TABLE student (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50), born DATE);
CREATE TABLE attends (student INT, course INT, mark DECIMAL(3,1), PRIMARY KEY (student, course),
  FOREIGN KEY (student) REFERENCES student (id) ON DELETE CASCADE, FOREIGN KEY (course) REFERENCES course (id) ON DELETE CASCADE);

INSERT INTO teacher (name) VALUES ('Ada'), ('Bob');
INSERT INTO course (title, teacher) VALUES ('SQL; basics', LAST_INSERT_ID());
SET @basics = LAST_INSERT_ID();
INSERT INTO course (title, teacher) SELECT CONCAT('More of ', title), teacher + 1 FROM course;
INSERT INTO student VALUES (NULL, 'Cleo', '2000-01-01'), (NULL, 'Dan', CURDATE()), (0, 'Eve', NOW() - INTERVAL 20 YEAR);
INSERT INTO attends SELECT id, @basics, id + 0.5 FROM student;
INSERT INTO attends (student, course) VALUES ((SELECT id FROM student WHERE name = 'Eve'), @basics + 1);
UPDATE attends SET mark = mark * 2 WHERE mark < 3;
UPDATE course, teacher SET seats = seats + 1, name = UPPER(name) WHERE teacher = teacher.id AND title LIKE 'SQL%';
DELETE FROM attends WHERE mark IS NULL;
DELETE attends, student FROM attends JOIN student ON student.id = attends.student WHERE name = 'Dan';
DELETE FROM teacher WHERE name = 'Bob';
SELECT * FROM course;
SHOW TABLES;
DESCRIBE course;
EXPLAIN SELECT * FROM course;

CREATE TEMPORARY TABLE scratch AS SELECT * FROM student;
INSERT INTO scratch (name) VALUES ('temporary;');
INSERT INTO student (name) SELECT name FROM scratch WHERE id = 0 OR name LIKE 'temp%';
DROP TEMPORARY TABLE scratch;

PREPARE add_student FROM 'INSERT INTO student (name, born) VALUES (?, ?)';
SET @name = 'Prepared; statement', @born = '1999-12-31';
EXECUTE add_student USING @name, @born;
SET @name = 'again';
EXECUTE add_student USING @name, @born;
DEALLOCATE PREPARE add_student;

LOCK TABLES student WRITE, course READ;
INSERT INTO student (name) VALUES ('locked');
UNLOCK TABLES;

START TRANSACTION;
INSERT INTO student (name) VALUES ('kept');
SAVEPOINT half;
INSERT INTO student (name) VALUES ('not kept');
ROLLBACK TO SAVEPOINT half;
INSERT INTO student (name) VALUES ('kept too');
COMMIT;
BEGIN;
INSERT INTO student (name) VALUES ('rolled back');
ROLLBACK;
INSERT INTO student (name) VALUES ('after a gap');

SET @n = 0;
INSERT INTO student (name) VALUES (CONCAT('n', @n := @n + 1));
INSERT INTO student (name) VALUES (CONCAT('n', @n := @n + 1)), (CONCAT('n', @n := @n + 1));
SET @n = @n * 10;
INSERT INTO attends SELECT MAX(id), @basics, @n FROM student;

DELIMITER //
CREATE PROCEDURE enrol(IN who VARCHAR(50))
BEGIN
  INSERT INTO student (name) VALUES (who);
  INSERT INTO attends VALUES (LAST_INSERT_ID(), @basics, 1);
END //
DELIMITER ;
CALL enrol('called');
CALL enrol('called again');

CREATE TABLE copy LIKE student;
INSERT INTO copy SELECT * FROM student ORDER BY id DESC;
CREATE TABLE summary AS SELECT course, COUNT(*) AS n, AVG(mark) AS mean FROM attends GROUP BY course;
RENAME TABLE copy TO student_old, summary TO copy, student_old TO summary;
TRUNCATE summary;
INSERT INTO summary (name) VALUES ('after the truncation');

CREATE VIEW open_courses AS SELECT id, title, seats FROM course WHERE seats > 0 WITH CHECK OPTION;
INSERT INTO open_courses (title, seats) VALUES ('Through a view', 3);
UPDATE open_courses SET seats = 1 WHERE title = 'Through a view';

ALTER TABLE student ADD COLUMN age INT AFTER name, ADD INDEX (born);
UPDATE student SET age = TIMESTAMPDIFF(YEAR, born, NOW());
ALTER TABLE student DROP COLUMN age, RENAME TO pupil;
INSERT INTO pupil (name) VALUES ('the last');
