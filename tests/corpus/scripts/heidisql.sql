-- --------------------------------------------------------
-- Host:                         127.0.0.1
-- Server-OS:                    Win64
-- HeidiSQL Version:             12.5.0.6677
-- --------------------------------------------------------

/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET NAMES utf8 */;
/*!50503 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;


-- Dumping database structure for heidi
DROP DATABASE IF EXISTS `heidi`;
CREATE DATABASE IF NOT EXISTS `heidi` /*!40100 DEFAULT CHARACTER SET latin1 */;
USE `heidi`;

-- Dumping structure for table heidi.a
DROP TABLE IF EXISTS `a`;
CREATE TABLE IF NOT EXISTS `a` (
  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,
  `b` int(10) unsigned DEFAULT NULL,
  `t` tinytext DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `FK_a_b` (`b`),
  CONSTRAINT `FK_a_b` FOREIGN KEY (`b`) REFERENCES `b` (`id`) ON DELETE SET NULL ON UPDATE NO ACTION
) ENGINE=InnoDB AUTO_INCREMENT=9 DEFAULT CHARSET=latin1;

-- Dumping data for table heidi.a: ~3 rows (approximately)
DELETE FROM `a`;
/*!40000 ALTER TABLE `a` DISABLE KEYS */;
INSERT INTO `a` (`id`, `b`, `t`) VALUES
	(1, 2, 'été'),
	(2, NULL, 'it\'s'),
	(8, 1, '');
/*!40000 ALTER TABLE `a` ENABLE KEYS */;

-- Dumping structure for table heidi.b
DROP TABLE IF EXISTS `b`;
CREATE TABLE IF NOT EXISTS `b` (
  `id` int(10) unsigned NOT NULL,
  `bin` varbinary(50) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1;

DELETE FROM `b`;
INSERT INTO `b` (`id`, `bin`) VALUES
	(1, _binary 0x00272227),
	(2, NULL);

-- Dumping structure for procedure heidi.p
DROP PROCEDURE IF EXISTS `p`;
DELIMITER //
CREATE PROCEDURE `p`(
	IN `n` INT
)
BEGIN
	INSERT INTO a (b) SELECT n; -- //
END//
DELIMITER ;

-- Dumping structure for trigger heidi.a_before_insert
SET @OLDTMP_SQL_MODE=@@SQL_MODE, SQL_MODE='STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION';
DELIMITER //
CREATE TRIGGER `a_before_insert` BEFORE INSERT ON `a` FOR EACH ROW BEGIN
	SET NEW.t = COALESCE(NEW.t, 'none;');
END//
DELIMITER ;
SET SQL_MODE=@OLDTMP_SQL_MODE;

CALL p(1);

/*!40103 SET TIME_ZONE=IFNULL(@OLD_TIME_ZONE, 'system') */;
/*!40101 SET SQL_MODE=IFNULL(@OLD_SQL_MODE, '') */;
/*!40014 SET FOREIGN_KEY_CHECKS=IFNULL(@OLD_FOREIGN_KEY_CHECKS, 1) */;
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40111 SET SQL_NOTES=IFNULL(@OLD_SQL_NOTES, 1) */;
