-- MariaDB dump 10.19
/*!40101 SET @saved_cs_client     = @@character_set_client */;
DROP TABLE IF EXISTS `ivr_details`;
CREATE TABLE `ivr_details` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `name` varchar(50) DEFAULT NULL,
  `announcement` int(11) DEFAULT NULL,
  `directdial` varchar(50) DEFAULT NULL,
  `invalid_loops` varchar(10) DEFAULT NULL,
  `invalid_retry_recording` varchar(25) DEFAULT NULL,
  `invalid_destination` varchar(50) DEFAULT NULL,
  `timeout_time` int(11) DEFAULT NULL,
  `timeout_loops` varchar(10) DEFAULT NULL,
  `timeout_destination` varchar(50) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
LOCK TABLES `ivr_details` WRITE;
INSERT INTO `ivr_details` VALUES
(1,'Main',4,'','2','default','ext-queues,600,1',10,'1','app-blackhole,hangup,1'),
(2,'Sales',5,'ext-local','1','6','ext-queues,600,1',5,'0','ivr-1,s,1');
UNLOCK TABLES;
INSERT INTO `ivr_entries` (`ivr_id`, `selection`, `dest`, `ivr_ret`) VALUES
(1,'1','ext-queues,600,1',0),
(1,'2','ivr-2,s,1',0),
(1,'3','timeconditions,1,1',0),
(1,'4','ext-group,700,1',0),
(1,'5','app-directory,1,1',0),
(1,'6','ext-miscdests,1,1',0),
(1,'7','app-announcement-1,s,1',0),
(1,'8','ext-meetme,8000,1',0),
(1,'9','app-languages,1,1',0),
(1,'_5XX','ext-queues,600,1',0),
(2,'1','ext-queues,601,1',0),
(2,'2','app-daynight,0,1',0),
(2,'3','vmblast-grp,800,1',0),
(2,'0','ivr-1,s,1',1);
INSERT INTO `recordings` (`id`, `displayname`, `filename`) VALUES
(4,'Menu','custom/menu'),
(5,'Sales','custom/sales'),
(6,'Again','custom/again'),
(7,'Closed','custom/closed');
INSERT INTO `announcement` (`announcement_id`, `description`, `recording_id`, `post_dest`, `repeat_msg`) VALUES
(1,'Closed',7,'app-blackhole,hangup,1','');
INSERT INTO `timeconditions` (`timeconditions_id`, `displayname`, `time`, `truegoto`, `falsegoto`) VALUES
(1,'Office',1,'ext-queues,600,1','app-announcement-1,s,1');
INSERT INTO `timegroups_details` (`id`, `timegroupid`, `time`) VALUES
(1,1,'08:00-17:00|mon-fri|*|*'),
(2,1,'09:00-12:00|sat|*|*'),
(3,1,'00:00-00:00|*|24|dec');
INSERT INTO `queues_config` (`extension`, `descr`, `maxwait`, `dest`) VALUES
('600','Office','120','ext-local,vmu101,1'),
('601','Sales','','');
INSERT INTO `ringgroups` (`grpnum`, `description`, `grptime`, `grplist`, `postdest`) VALUES
('700','Workshop','25','101-102','app-blackhole,busy,1');
INSERT INTO `miscdests` (`id`, `description`, `destdial`) VALUES
(1,'Taxi','15551239999');
INSERT INTO `daynight` (`ext`, `dmode`, `dest`) VALUES
('0','day','ext-queues,601,1'),
('0','night','app-announcement-1,s,1');
INSERT INTO `languages` (`language_id`, `lang_code`, `dest`) VALUES
(1,'es','ivr-2,s,1');
INSERT INTO `incoming` (`cidnum`, `extension`, `destination`) VALUES
('','5552000','ivr-1,s,1'),
('','5552001','ivr-2,s,1'),
('5559999','5552002','ivr-1,s,1'),
('','5552003','ext-queues,600,1');
INSERT INTO `callback` VALUES (1,'Old callback','5551239999',10,'ivr-1,s,1');
