-- Adminer 4.8.1 MySQL 8.0.30 dump

SET NAMES utf8;
SET time_zone = '+00:00';
SET foreign_key_checks = 0;
SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';

CREATE DATABASE `library` /*!40100 DEFAULT CHARACTER SET utf8mb4 */;
USE `library`;

DELIMITER ;;

DROP FUNCTION IF EXISTS `shout`;;
CREATE FUNCTION `shout`(`t` varchar(99)) RETURNS varchar(100) CHARSET utf8mb4
    DETERMINISTIC
BEGIN
  RETURN CONCAT(UPPER(t), '!;');
END;;

DROP EVENT IF EXISTS `tidy`;;
CREATE EVENT `tidy` ON SCHEDULE EVERY 1 HOUR STARTS '2031-01-01 00:00:00' ON COMPLETION NOT PRESERVE ENABLE DO DELETE FROM loans WHERE back < '2000-01-01';;

DELIMITER ;

SET NAMES utf8mb4;

DROP TABLE IF EXISTS `loans`;
CREATE TABLE `loans` (
  `id` int NOT NULL AUTO_INCREMENT,
  `book` int NOT NULL,
  `back` date DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `book` (`book`),
  CONSTRAINT `loans_ibfk_1` FOREIGN KEY (`book`) REFERENCES `books` (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

INSERT INTO `loans` (`id`, `book`, `back`) VALUES
(1,	2,	'2020-05-05'),
(2,	1,	NULL)
ON DUPLICATE KEY UPDATE `id` = VALUES(`id`), `book` = VALUES(`book`), `back` = VALUES(`back`);

DELIMITER ;;

CREATE TRIGGER `loans_bi` BEFORE INSERT ON `loans` FOR EACH ROW
BEGIN
  IF NEW.back IS NULL THEN SET NEW.back = '1999-09-09'; END IF;
END;;

DELIMITER ;

TRUNCATE `loans`;
INSERT INTO `loans` (`id`, `book`, `back`) VALUES
(7,	2,	NULL),
(8,	1,	'2020-05-05');

DROP TABLE IF EXISTS `books`;
CREATE TABLE `books` (
  `id` int NOT NULL AUTO_INCREMENT,
  `title` varchar(50) NOT NULL,
  `cover` blob,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

INSERT INTO `books` (`id`, `title`, `cover`) VALUES
(1,	'Ü; \"quoted\"',	UNHEX('00FF27225C')),
(2,	'second',	NULL);

DROP VIEW IF EXISTS `titles`;
CREATE TABLE `titles` (`title` varchar(50), `loud` varchar(100));

DROP TABLE IF EXISTS `titles`;
CREATE ALGORITHM=UNDEFINED SQL SECURITY DEFINER VIEW `titles` AS select `books`.`title` AS `title`,`shout`(`books`.`title`) AS `loud` from `books`;

-- 2023-11-14 22:13:20
