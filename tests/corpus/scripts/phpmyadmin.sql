-- phpMyAdmin SQL Dump
-- version 5.2.1
-- https://www.phpmyadmin.net/
--
-- Host: localhost

SET SQL_MODE = "NO_AUTO_VALUE_ON_ZERO";
START TRANSACTION;
SET time_zone = "+00:00";


/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET @OLD_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS */;
/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */;
/*!40101 SET NAMES utf8mb4 */;

--
-- Database: `shop`
--
CREATE DATABASE IF NOT EXISTS `shop` DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;
USE `shop`;

DELIMITER $$
--
-- Procedures
--
DROP PROCEDURE IF EXISTS `count_them`$$
CREATE DEFINER=`root`@`localhost` PROCEDURE `count_them` (OUT `n` INT)   BEGIN
  SELECT COUNT(*) INTO n FROM customers; -- all; of them
END$$

DELIMITER ;

-- --------------------------------------------------------

--
-- Table structure for table `customers`
--

DROP TABLE IF EXISTS `customers`;
CREATE TABLE `customers` (
  `id` int(11) NOT NULL,
  `email` varchar(100) COLLATE utf8mb4_general_ci NOT NULL,
  `name` varchar(80) DEFAULT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

--
-- Dumping data for table `customers`
--

INSERT INTO `customers` (`id`, `email`, `name`) VALUES
(3, 'c@example.org', 'O\'Neill; (x),('),
(1, 'a@example.org', 'Größe'),
(0, 'zero@example.org', NULL);

INSERT INTO `customers` (`id`, `email`, `name`) VALUES
(2, 'b@example.org', 'VALUES (');

--
-- Triggers `customers`
--
DROP TRIGGER IF EXISTS `lower_case`;
DELIMITER $$
CREATE TRIGGER `lower_case` BEFORE INSERT ON `customers` FOR EACH ROW SET NEW.email = LOWER(NEW.email)
$$
DELIMITER ;

-- --------------------------------------------------------

DROP TABLE IF EXISTS `orders`;
CREATE TABLE `orders` (
  `id` int(11) NOT NULL,
  `customer` int(11) NOT NULL,
  `note` text DEFAULT NULL,
  `at` timestamp NOT NULL DEFAULT current_timestamp()
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci;

INSERT INTO `orders` (`id`, `customer`, `note`, `at`) VALUES
(12, 1, 'twelve', '2020-01-01 00:00:00'),
(10, 3, 'ten', '2020-06-01 12:00:00'),
(11, 1, 'eleven', '2021-01-01 00:00:00');

-- --------------------------------------------------------

--
-- Stand-in structure for view `big_spenders`
-- (See below for the actual view)
--
DROP VIEW IF EXISTS `big_spenders`;
CREATE TABLE `big_spenders` (
`name` varchar(80)
,`orders` bigint(21)
);

-- --------------------------------------------------------

--
-- Structure for view `big_spenders`
--
DROP TABLE IF EXISTS `big_spenders`;

DROP VIEW IF EXISTS `big_spenders`;
CREATE ALGORITHM=UNDEFINED DEFINER=`root`@`localhost` SQL SECURITY DEFINER VIEW `big_spenders`  AS SELECT `customers`.`name` AS `name`, count(0) AS `orders` FROM (`customers` join `orders` on(`orders`.`customer` = `customers`.`id`)) GROUP BY `customers`.`name` ;

--
-- Indexes for dumped tables
--
ALTER TABLE `customers`
  ADD PRIMARY KEY (`id`),
  ADD UNIQUE KEY `email` (`email`),
  ADD KEY `name` (`name`(10));
ALTER TABLE `orders`
  ADD PRIMARY KEY (`id`),
  ADD KEY `customer` (`customer`);
ALTER TABLE `orders` ADD FULLTEXT KEY `note` (`note`);

--
-- AUTO_INCREMENT for dumped tables
--
ALTER TABLE `customers`
  MODIFY `id` int(11) NOT NULL AUTO_INCREMENT, AUTO_INCREMENT=4;
ALTER TABLE `orders`
  MODIFY `id` int(11) NOT NULL AUTO_INCREMENT, AUTO_INCREMENT=50;

--
-- Constraints for dumped tables
--
ALTER TABLE `orders`
  ADD CONSTRAINT `orders_ibfk_1` FOREIGN KEY (`customer`) REFERENCES `customers` (`id`) ON DELETE CASCADE ON UPDATE CASCADE;
COMMIT;

/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40101 SET CHARACTER_SET_RESULTS=@OLD_CHARACTER_SET_RESULTS */;
/*!40101 SET COLLATION_CONNECTION=@OLD_COLLATION_CONNECTION */;
