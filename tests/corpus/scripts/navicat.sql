/*
 Navicat Premium Data Transfer

 Source Server         : local
 Target Server Type    : MySQL

 Date: 14/11/2023 22:13:20
*/

SET NAMES utf8mb4;
SET FOREIGN_KEY_CHECKS = 0;

CREATE DATABASE nav; USE nav;
-- ----------------------------
-- Table structure for item
-- ----------------------------
DROP TABLE IF EXISTS `item`;
CREATE TABLE `item`  (
  `id` int NOT NULL AUTO_INCREMENT,
  `label` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NULL DEFAULT NULL COMMENT 'name; of it',
  `raw` blob NULL,
  PRIMARY KEY (`id`) USING BTREE,
  UNIQUE INDEX `label`(`label` ASC) USING BTREE
) ENGINE = InnoDB AUTO_INCREMENT = 5 CHARACTER SET = utf8mb4 COLLATE = utf8mb4_general_ci ROW_FORMAT = DYNAMIC;

-- ----------------------------
-- Records of item
-- ----------------------------
BEGIN;
INSERT INTO `item` VALUES (1, 'one\r\ntwo', 0x0027);
INSERT INTO `item` VALUES (2, 'c:\\path\\', NULL);
INSERT INTO `item` (`id`, `label`, `raw`) VALUES (4, NULL, '');
COMMIT;

-- ----------------------------
-- Procedure structure for fresh
-- ----------------------------
DROP PROCEDURE IF EXISTS `fresh`;
delimiter ;;
CREATE PROCEDURE `fresh`()
BEGIN
  INSERT INTO item (label) VALUES (CONCAT('new;', (SELECT COUNT(*) FROM item i)));
END
;;
delimiter ;
CALL fresh;
CALL fresh;

-- ----------------------------
-- Triggers structure for table item
-- ----------------------------
DROP TRIGGER IF EXISTS `gone`;
delimiter ;;
CREATE TRIGGER `gone` AFTER DELETE ON `item` FOR EACH ROW INSERT INTO item_gone VALUES (OLD.id)
;;
delimiter ;
CREATE TABLE item_gone (id INT);
DELETE FROM item WHERE id > 2 ORDER BY id DESC;

SET FOREIGN_KEY_CHECKS = 1;
