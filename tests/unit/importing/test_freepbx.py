"""FreePBX's tables: from dumps, CSV and SQLite, with what its destinations lead to."""

import sqlite3
from pathlib import Path

import pytest

from documents import DocumentError
from ivr.importing.format import SourceFile, Wanted
from ivr.importing.freepbx.sql_dump import Tables, add_tables
from ivr.importing.registry import format_of, import_formats
from tests.support.importing import MONDAY_NOON, call, centre_of, draft_of

TABLES = """
    CREATE TABLE `ivr_details` (
      `id` int(11) NOT NULL AUTO_INCREMENT, -- the key
      `name` varchar(50) DEFAULT NULL,
      `announcement` int(11) DEFAULT NULL,
      `invalid_loops` varchar(10) DEFAULT NULL,
      `invalid_retry_recording` varchar(25) DEFAULT NULL,
      `invalid_recording` varchar(25) DEFAULT NULL,
      `invalid_destination` varchar(50) DEFAULT NULL,
      `timeout_time` int(11) DEFAULT NULL,
      `timeout_loops` varchar(10) DEFAULT NULL,
      `timeout_destination` varchar(50) DEFAULT NULL
    ) ENGINE=InnoDB;
    INSERT INTO `ivr_details` VALUES
    (1,'Main; it\\'s (ours)',4,'2','default','5','ext-queues,600,1',7,'disabled','app-announcement-2,s,1'),
    (2,'Sales',6,'0',NULL,NULL,'ivr-1,s,1',5,'1','ext-local,vmu101,1'),(3,'Old',4,'0',NULL,NULL,'',5,'0','');
    INSERT INTO `ivr_entries` (`ivr_id`, `selection`, `dest`, `ivr_ret`) VALUES
    (1,'1','ivr-2,s,1',0),(1,'2','timeconditions,1,1',0),(1,'3','ext-miscdests,1,1',0),(1,'4','from-did-direct,101,1',0),
    (1,'5','app-languages,1,1',0),(1,'6','ext-meetme,8000,1',0),(1,'_7X','ext-queues,600,1',0),
    (1,'8','app-daynight,0,1',0),(1,'9','ext-group,700,1',1),(2,'1','ext-queues,600,1',0),(2,'0','app-blackhole,busy,1',0);
    INSERT INTO `recordings` (`id`, `displayname`, `filename`) VALUES
    (4,'Menu','custom/menu'),(5,'Sorry','custom/sorry'),(6,'Two','custom/a&custom/b'),(7,'Closed','custom/closed');
    INSERT INTO `announcement` (`announcement_id`, `description`, `recording_id`, `post_dest`, `repeat_msg`) VALUES
    (2,'Closed',7,'app-blackhole,hangup,1','');
    INSERT INTO `timeconditions` (`timeconditions_id`, `displayname`, `time`, `truegoto`, `falsegoto`) VALUES
    (1,'Office',1,'ext-queues,600,1','app-announcement-2,s,1');
    INSERT INTO `timegroups_details` (`id`, `timegroupid`, `time`) VALUES
    (1,1,'08:00-13:00|mon-fri|*|*'),(2,1,'14:00-17:00|mon-thu|*|*');
    INSERT INTO `queues_config` (`extension`, `descr`, `maxwait`, `dest`) VALUES
    ('600','Sales team','120','ext-local,vmu101,1');
    INSERT INTO `ringgroups` (`grpnum`, `description`, `grptime`, `grplist`, `postdest`) VALUES
    ('700','Workshop','25','101-102','app-blackhole,hangup,1');
    INSERT INTO `miscdests` (`id`, `description`, `destdial`) VALUES (1,'Taxi','34911234567');
    INSERT INTO `daynight` (`ext`, `dmode`, `dest`) VALUES
    ('0','day','ext-queues,600,1'),('0','night','app-blackhole,hangup,1');
    INSERT INTO `languages` (`language_id`, `lang_code`, `dest`) VALUES (1,'es','ivr-2,s,1');
    INSERT INTO `incoming` (`cidnum`, `extension`, `destination`) VALUES
    ('','34911000000','ivr-1,s,1'),('5551234','34911000001','ivr-1,s,1'),('','','ext-queues,600,1');
    """


def test_destinations_lead_where_freepbx_leads(tmp_path: Path) -> None:
    centre, _ = centre_of(tmp_path, "freepbx", TABLES)
    assert dict(centre.numbers) == {"34911000000": "main-it-s-ours"}
    ends = {key: call(centre, key).end for key in "234689"}
    assert ends == {
        "2": "queue Sales-team",
        "3": "dials 34911234567",
        "4": "queue phone-101",
        "6": "hangs up not imported: ext-meetme",
        "8": "queue Sales-team",
        "9": "queue Workshop",
    }
    assert call(centre, "1", "1", "<timeout>").end == "mailbox 101"
    assert call(centre, "1", "0").end == "hangs up busy"
    evening = call(centre, "2", now_ms=MONDAY_NOON + 90 * 60_000)
    assert (evening.heard, evening.end) == (["custom/menu", "custom/closed"], "hangs up normal")
    assert call(centre, "5").heard == ["custom/menu", "custom/a", "custom/b"]


def test_loops_are_retries_with_freepbxs_own_recordings(tmp_path: Path) -> None:
    centre, _ = centre_of(tmp_path, "freepbx", TABLES)
    wrong = call(centre, "0", "0", "0")
    again = ["no-valid-responce-pls-try-again", "custom/menu"]
    assert (wrong.heard, wrong.end) == (["custom/menu", *again, *again, "custom/sorry"], "queue Sales-team")
    assert call(centre, "").heard == ["custom/menu", "custom/closed"]
    menu = centre.flows["main-it-s-ours"].written("main-it-s-ours")
    assert (menu["first_digit_s"], menu["no_match"]["retries"]) == (7.0, 2)


def test_what_is_left_is_named_with_its_row() -> None:
    draft = draft_of("freepbx", TABLES)
    told = "\n".join(map(str, draft.findings))
    assert "selection=_7X" in told
    assert "a pattern cannot be a choice" in told
    assert "IVR Old: nothing that is imported leads to it (--start 3 imports it)" in told
    assert "only for callers from 5551234" in told
    assert "this inbound route leads to no IVR" in told
    assert "callers go where it leads by day" in told
    assert draft.steps == {"carried over": 11, "not reached": 1, "left out": 2}


def test_an_ivr_is_chosen_by_name_or_id() -> None:
    assert list(draft_of("freepbx", TABLES, "Sales").flows) == ["sales"]
    assert list(draft_of("freepbx", TABLES, "3").flows) == ["old"]
    with pytest.raises(DocumentError, match=r"there is no IVR 'Slaes'.*did you mean 'Sales'"):
        draft_of("freepbx", TABLES, "Slaes")


def test_csv_and_sqlite_are_the_same_tables(tmp_path: Path) -> None:
    kind = import_formats()["freepbx"]
    details = b"id,name,announcement,invalid_loops,timeout_loops,timeout_destination\n1,Main,4,NULL,0,\n"
    entries = b'ivr_id,selection,dest\n1,1,"ext-queues,600,1"\n'
    files = [SourceFile("dump/ivr_details.csv", details), SourceFile("dump/ivr_entries.csv", entries)]
    assert format_of(files) is kind
    from_csv = kind.read(files, Wanted())

    path = tmp_path / "freepbx.db"
    with sqlite3.connect(path) as database:
        database.execute(
            "create table ivr_details (id, name, announcement, invalid_loops, timeout_loops, timeout_destination)"
        )
        database.execute("insert into ivr_details values (1, 'Main', 4, null, '0', '')")
        database.execute("create table ivr_entries (ivr_id, selection, dest)")
        database.execute("insert into ivr_entries values (1, '1', 'ext-queues,600,1')")
    file = SourceFile("freepbx.db", path.read_bytes())
    assert format_of([file]) is kind
    from_sqlite = kind.read([file], Wanted())
    assert from_csv.flows["main"].document() == from_sqlite.flows["main"].document()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.sql", b"INSERT INTO `ivr_details` VALUES (1,'x')", "the columns of ivr_details are nowhere named"),
        ("a.sql", b"INSERT INTO `ivr_details` (`id`, `name`) VALUES (1,'x'),(2", "the dump breaks off inside a row"),
        ("a.sql", b"INSERT INTO `ivr_details` (`id`, `name`) VALUES (1)", "has 2 columns, this row 1 values"),
        ("a.sql", b"CREATE TABLE `ivr_details` (`id` int);", "there is no row of ivr_details"),
        ("ivr_details.csv", b"id,name\n1,Main,more\n", "3 cells, but 2 columns"),
        ("a.db", b"SQLite format 3\x00 and nothing else", "not a database of SQLite"),
        ("a.sql", b"ivr_details\x00", "it holds a zero byte"),
    ],
)
def test_what_breaks_off_is_refused_with_its_place(name: str, content: bytes, message: str) -> None:
    with pytest.raises(DocumentError) as refused:
        import_formats()["freepbx"].read([SourceFile(name, content)], Wanted())
    assert message in str(refused.value)
    assert name in str(refused.value)


def test_texts_of_a_dump_are_read_as_mysql_writes_them() -> None:
    tables = Tables()
    text = r"INSERT INTO `t` (`a`,`b`,`c`) VALUES ('it\'s; (a) ''b''\n',NULL,-1.5),('',0x41,'x')"
    text += " ON DUPLICATE KEY UPDATE a=1;"
    add_tables(SourceFile("x.sql", text.encode()), tables, frozenset({"t"}))
    assert [row.cells for row in tables["t"]] == [
        {"a": "it's; (a) 'b'\n", "b": "", "c": "-1.5"},
        {"a": "", "b": "0x41", "c": "x"},
    ]
