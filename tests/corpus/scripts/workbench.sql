-- MySQL Workbench Forward Engineering

SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0;
SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0;
SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION';

-- -----------------------------------------------------
-- Schema lab
-- -----------------------------------------------------
DROP SCHEMA IF EXISTS `lab` ;
CREATE SCHEMA IF NOT EXISTS `lab` DEFAULT CHARACTER SET utf8 ;
CREATE SCHEMA IF NOT EXISTS `other lab` DEFAULT CHARACTER SET utf8mb4 ;

-- -----------------------------------------------------
-- Table `lab`.`rat`
-- -----------------------------------------------------
DROP TABLE IF EXISTS `lab`.`rat` ;

CREATE TABLE IF NOT EXISTS `lab`.`rat` (
  `id` INT NOT NULL AUTO_INCREMENT,
  `room_id` INT NOT NULL,
  `name` VARCHAR(45) NULL,
  PRIMARY KEY (`id`),
  UNIQUE INDEX `name_UNIQUE` (`name` ASC) ,
  INDEX `fk_rat_room_idx` (`room_id` ASC) ,
  CONSTRAINT `fk_rat_room`
    FOREIGN KEY (`room_id`)
    REFERENCES `other lab`.`room` (`id`)
    ON DELETE NO ACTION
    ON UPDATE NO ACTION)
ENGINE = InnoDB
COMMENT = 'rats; of the lab';


CREATE TABLE IF NOT EXISTS `other lab`.`room` (
  `id` INT NOT NULL,
  `floor` TINYINT(1) NULL DEFAULT 1,
  PRIMARY KEY (`id`))
ENGINE = InnoDB;

USE `lab` ;

-- -----------------------------------------------------
-- Placeholder table for view `lab`.`rats_above`
-- -----------------------------------------------------
CREATE TABLE IF NOT EXISTS `lab`.`rats_above` (`name` INT, `floor` INT);

-- -----------------------------------------------------
-- procedure move
-- -----------------------------------------------------

DELIMITER $$
USE `lab`$$
CREATE PROCEDURE `move` (rat INT, room INT)
BEGIN
  UPDATE rat r SET r.room_id = room WHERE r.id = rat;
END$$

DELIMITER ;

-- -----------------------------------------------------
-- View `lab`.`rats_above`
-- -----------------------------------------------------
DROP TABLE IF EXISTS `lab`.`rats_above`;
USE `lab`;
CREATE  OR REPLACE VIEW `rats_above` AS
    SELECT r.name, o.floor FROM rat r JOIN `other lab`.room o ON o.id = r.room_id WHERE o.floor > 0;
USE `other lab`;

DELIMITER $$
USE `other lab`$$
CREATE TRIGGER `other lab`.`room_AFTER_INSERT` AFTER INSERT ON `room` FOR EACH ROW
BEGIN
  INSERT INTO lab.rat (room_id, name) VALUES (NEW.id, CONCAT('rat of ', NEW.id));
END$$


DELIMITER ;

SET SQL_MODE=@OLD_SQL_MODE;
SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS;
SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS;

-- -----------------------------------------------------
-- Data for table `other lab`.`room`
-- -----------------------------------------------------
START TRANSACTION;
USE `other lab`;
INSERT INTO `other lab`.`room` (`id`, `floor`) VALUES (2, 1);
INSERT INTO `other lab`.`room` (`id`, `floor`) VALUES (1, 0);

COMMIT;


-- -----------------------------------------------------
-- Data for table `lab`.`rat`
-- -----------------------------------------------------
START TRANSACTION;
USE `lab`;
INSERT INTO `lab`.`rat` (`id`, `room_id`, `name`) VALUES (DEFAULT, 1, 'Remy');
INSERT INTO `lab`.`rat` (`id`, `room_id`, `name`) VALUES (DEFAULT, 2, NULL);

COMMIT;

CALL move(3, 2);
