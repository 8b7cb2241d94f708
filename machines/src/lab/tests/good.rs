//! What labs without mistakes mean.

use clock::{Rate, Span};
use devices::{FloppyDriveKind, TornSector};
use ne2000::Model;
use wire::{Length, StationId, Turns};

use super::super::{
    Boot, BootOrder, FaultKind, ImageSource, InputDevice, InputTime, LabSource, Override, Shutdown, Sign,
    Source, Speed, load, schema, show, show_json, show_timing, show_timing_json,
};
use super::{GOOD, Lab, edited, lab_of, read_with};

/// All lab files of the project.
fn lab_files() -> Vec<std::path::PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/labs");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder of lab files")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    files
}

#[test]
fn every_lab_file_of_the_project_is_good_and_without_warnings() {
    let files = lab_files();
    assert!(files.len() >= 2, "{files:?}");
    for file in files {
        let loaded = load(LabSource::File(file.clone()), &[]).unwrap_or_else(|errors| panic!("{errors}"));
        assert!(loaded.warnings.is_empty(), "{}", loaded.warnings.render(false));
        assert_eq!(
            Some(loaded.lab.name.as_str()),
            file.file_stem().and_then(|stem| stem.to_str())
        );
    }
}

#[test]
fn the_built_in_lab_is_two_pcs_that_exchange_a_thousand_frames() {
    let lab = load(LabSource::builtin(), &[])
        .unwrap_or_else(|errors| panic!("{errors}"))
        .lab;
    let names: Vec<&str> = lab.machines.iter().map(|machine| machine.name.as_str()).collect();
    assert_eq!(names, ["pc0", "pc1"]);
    assert_eq!(lab.seed, 1995);
    assert_eq!(lab.images[0].source, ImageSource::Builtin("kernel".to_owned()));
    let machine = &lab.machines[1];
    assert_eq!(machine.memory_bytes, 4 << 20);
    assert_eq!(
        machine.boot,
        Boot::Direct {
            image: 0,
            command_line: "peers=1 frames=1000".to_owned(),
            modules: Vec::new()
        }
    );
    let card = &machine.cards[0];
    assert_eq!(card.interface, "pc1/el0");
    assert_eq!(card.position_millimetres, 500);
    assert_eq!(card.settings.station_address, [2, 0x60, 0x8C, 0, 0, 2]);
    assert_eq!((card.settings.io_base, card.settings.interrupt), (0x280, 3));
    assert_eq!(card.settings.memory_base, Some(0xC_C000));
    assert_eq!(lab.expectations[0].machines, [0, 1]);
    assert_eq!(lab.expectations[0].within, Span::from_seconds(5));
    assert!(lab.captures[0].events.collisions && !lab.captures[0].events.jams);
}

#[test]
fn a_shown_lab_means_the_same_lab() {
    let sixteen = include_str!("../../../labs/sixteen.toml");
    let odd = edited(&[
        ("seed = 7", "seed = 7\ndescription = \"a \\\"quoted\\\" # line\""),
        ("stop = \"10min\"", "stop = \"57.6us\"\nspeed = 0.5"),
        ("\"40MHz\"", "\"33MHz\""),
        (
            "memory =",
            "role = 'it''s'\nisa.clock = \"25/3MHz\"\npost_port = 0x84\nmemory =",
        ),
        ("'ready'", "'''it's \\d+'''"),
        ("within = \"5s\"", "absent = true"),
        ("irq = 3", "irq = 3\ntap = \"12.5m\""),
    ])
    .replace("'it''s'", "\"it's\"");
    for text in [GOOD, sixteen, &odd] {
        let lab = lab_of(text);
        assert_eq!(lab_of(&show(&lab)), lab);
    }
}

#[test]
fn a_lab_is_shown_with_everything_filled_in() {
    insta::assert_snapshot!("show", show(&lab_of(&edited(&[("count = 2\n", "")]))));
}

#[test]
fn the_timing_constants_are_shown_with_their_sources() {
    insta::assert_snapshot!("timing", show_timing(&lab_of(GOOD)));
}

#[test]
fn the_json_forms_have_the_same_content() {
    let lab = lab_of(GOOD);
    let shown = show_json(&lab);
    assert_eq!(shown["machine"]["pc1"]["memory"], "4MB");
    assert_eq!(shown["machine"]["pc1"]["card"][0]["io"], 0x280);
    let timing = show_timing_json(&lab);
    assert_eq!(timing.as_array().map(Vec::len), Some(2 * 13));
    assert_eq!(timing[13]["machine"], "pc1");
    assert_eq!(timing[13]["constant"], "isa_8bit");
    assert_eq!(timing[13]["value"], 8);
    assert_eq!(timing[13]["source"], "derived");
}

#[test]
fn every_ethernet_card_can_be_fitted_and_a_second_one_on_another_cable() {
    let more = "[image.prom]\npath = \"Cargo.toml\"\n[segment.ether1]\nkind = \"10base2\"\nlength = \"5m\"\n[segment.";
    let second = "[[profile.at.card]]\ntype = \"ne2000\"\nsegment = \"ether1\"\nio = 0x320\nirq = 5\nram = 0xC8000\n\
                  mac = \"02:60:8c:00:01:00\"\nprom = { image = \"prom\" }";
    for model in Model::ALL {
        let first = format!(
            "type = \"{}\"\nsegment = \"ether0\"\nio = {:#x}\nirq = 3\nram = 0xCC000\n{second}",
            model.name(),
            model.io_bases()[0]
        );
        let text = GOOD.replacen("[segment.", more, 1).replace(
            "type = \"3c503\"\nsegment = \"ether0\"\nio = 0x280\nirq = 3\nram = 0xCC000",
            &first,
        );
        let lab = lab_of(&text);
        assert_eq!(lab_of(&show(&lab)), lab);
        let cards = &lab.machines[1].cards;
        assert_eq!(
            [cards[0].settings.model, cards[1].settings.model],
            [*model, Model::Ne2000]
        );
        assert_ne!(cards[0].segment, cards[1].segment);
        assert_eq!(lab.images[cards[1].prom.expect("a boot PROM")].name, "prom");
    }
}

/// Faults of all kinds and traffic generators of all paces.
const DISTURBANCES: &str = r#"
[traffic.gen]
segment = "ether0"
mac = "02:60:8c:00:01:00"
count = 2
lengths = [64, 1518]
interval = "1ms"
frames = 10
[traffic.other]
segment = "ether0"
mac = "02:60:8c:00:02:00"
destination = "02:60:8c:00:00:01"
ethertype = 0x0800
length = 100
longest = 200
mean = "3ms"
start = "1s"
seed = 5
tap = "20m"
[[fault]]
kind = "loss"
sender = "pc?"
receiver = ["gen*", "other"]
ethertype = 0x88b5
nth = 3
chance = "12.5%"
seed = 9
[[fault]]
name = "twice"
kind = "duplication"
from = "10ms"
until = "20ms"
source = "02:60:8c:00:00:01"
destination = "ff:ff:ff:ff:ff:ff"
every = 2
place = "receiver"
copies = 2
apart = "1ms"
[[fault]]
kind = "delay"
least = "1us"
most = "1ms"
[[fault]]
kind = "reordering"
behind = 3
[[fault]]
kind = "bit-errors"
bits = 3
fcs = "right"
[[fault]]
kind = "misalignment"
[[fault]]
kind = "truncation"
length = 30
[[fault]]
kind = "partition"
at = "10m"
[[fault]]
kind = "unplug"
station = "pc1/el0"
until = "1s"
[[fault]]
kind = "power-off"
machine = "pc*"
sector = "old"
from = "1s"
until = "2s"
[[fault]]
kind = "reset"
machine = ["pc1"]
from = "3s"
[[expect]]"#;

/// The good lab with all of them.
fn disturbed() -> String {
    edited(&[("[[expect]]", DISTURBANCES)])
}

#[test]
fn shown_faults_and_generators_mean_the_same() {
    let lab = lab_of(&disturbed());
    assert_eq!(lab_of(&show(&lab)), lab);
    assert_eq!(lab.faults.len(), 11);
}

#[test]
fn shown_inputs_mean_the_same_and_obey_the_schema() {
    let inputs = r#"[[input]]
machine = "pc*"
at = "1500us"
text = "\u0003ls -l \"x\"\n"
[[input]]
machine = ["pc1"]
after = 'login: $'
delay = "1s"
device = "keyboard"
text = "root\n"
[[input]]
machine = "pc1"
after = '\d+ ok'
text = "ä"
[[expect]]"#;
    let lab = lab_of(&edited(&[("[[expect]]", inputs)]));
    assert_eq!(lab.inputs[0].machines, [0, 1]);
    assert_eq!(lab.inputs[0].text, "\u{3}ls -l \"x\"\n");
    assert_eq!(lab.inputs[1].device, InputDevice::Keyboard);
    let after = |pattern: &str, milliseconds| InputTime::After {
        pattern: pattern.into(),
        delay: Span::from_milliseconds(milliseconds),
    };
    assert_eq!(lab.inputs[1].time, after("login: $", 1000));
    assert_eq!(lab.inputs[2].time, after(r"\d+ ok", 10));
    assert_eq!(lab_of(&show(&lab)), lab);
    assert!(obeys(&show_json(&lab), &schema()));
}

#[test]
fn a_fault_names_stations_by_machine_by_card_or_as_generator() {
    let lab = lab_of(&disturbed());
    assert_eq!(
        lab.station_names(0),
        ["pc0/el0", "pc1/el0", "gen0", "gen1", "other"]
    );
    let FaultKind::Frames(loss) = &lab.faults[0].kind else {
        panic!("{:?}", lab.faults[0])
    };
    let stations = |numbers: &[u16]| Some(numbers.iter().copied().map(StationId).collect::<Vec<_>>());
    assert_eq!(loss.matcher.senders, stations(&[0, 1]));
    assert_eq!(loss.matcher.receivers, stations(&[2, 3, 4]));
    assert_eq!((loss.turns, loss.chance.millionths()), (Turns::Only(3), 125_000));
    assert_eq!(lab.faults[0].name, "fault0");
    let unplugged = FaultKind::Unplug {
        stations: vec![(0, StationId(1))],
    };
    assert_eq!(lab.faults[8].kind, unplugged);
    assert_eq!(
        lab.faults[9].kind,
        FaultKind::PowerOff {
            machines: vec![0, 1],
            torn: TornSector::Old,
        }
    );
}

#[test]
fn traffic_generators_are_counted_like_machines() {
    let lab = lab_of(&disturbed());
    let generators = &lab.generators;
    assert_eq!(generators[1].settings.source, [2, 0x60, 0x8C, 0, 1, 1]);
    assert_eq!(generators[0].settings.destination, [0xFF; 6]);
    assert_eq!(generators[2].settings.length, Length::Uniform(100, 200));
    let taps: Vec<u64> = generators
        .iter()
        .map(|generator| generator.position_millimetres)
        .collect();
    assert_eq!(taps, [1_000, 1_500, 20_000]);
}

#[test]
fn a_lab_may_have_traffic_generators_and_no_machine() {
    let lab = lab_of(
        "format = 1\n[lab]\nname = \"x\"\n[segment.a]\nkind = \"10base2\"\nlength = \"5m\"\n\
         [traffic.g]\nsegment = \"a\"\nmac = \"02:00:00:00:00:01\"\n",
    );
    assert_eq!((lab.machines.len(), lab.generators.len()), (0, 1));
}

#[test]
fn cards_of_profiles_and_machines_add_up_and_an_empty_list_clears_them() {
    let second = "[[machine.pc.card]]\ntype = \"3c503\"\nsegment = \"ether0\"\nio = 0x300\nirq = 5\nmac = \"02:60:8c:00:01:00\"\n[machine.server]\nextends = \"at\"\ncard = []\n[machine.other]\nextends = \"at\"\nnic = { mac = \"02:60:8c:00:02:00\" }\n[[expect]]";
    let lab = lab_of(&edited(&[("[[expect]]", second)]));
    let cards: Vec<(&str, usize)> = lab
        .machines
        .iter()
        .map(|machine| (machine.name.as_str(), machine.cards.len()))
        .collect();
    assert_eq!(cards, [("pc0", 2), ("pc1", 2), ("server", 0), ("other", 1)]);
    let el1 = &lab.machines[1].cards[1];
    assert_eq!(
        (el1.interface.as_str(), el1.settings.memory_base),
        ("pc1/el1", None)
    );
    assert_eq!(el1.settings.station_address[5], 1);
    assert_eq!(el1.position_millimetres, 3 * 500);
}

#[test]
fn a_machine_adds_to_its_profile_key_by_key() {
    let lab = lab_of(&edited(&[(
        "count = 2",
        "boot = { args = \"x=1\" }\ncpu = { fpu = \"none\" }",
    )]));
    assert_eq!(
        lab.machines[0].boot,
        Boot::Direct {
            image: 0,
            command_line: "x=1".to_owned(),
            modules: Vec::new()
        }
    );
    assert_eq!(lab.machines[0].cpu_clock, Rate::hertz(40_000_000));
}

#[test]
fn a_tap_is_where_the_lab_file_says_and_a_count_follows_at_the_least_spacing() {
    let thick = lab_of(&edited(&[
        ("10base2", "10base5"),
        ("irq = 3", "irq = 3\ntap = \"12m\""),
    ]));
    let taps: Vec<u64> = thick
        .machines
        .iter()
        .map(|machine| machine.cards[0].position_millimetres)
        .collect();
    assert_eq!(taps, [12_000, 14_500]);
}

#[test]
fn thirty_three_megahertz_is_a_third_of_a_hundred_and_decimals_are_exact() {
    let clock = |text: &str| lab_of(&edited(&[("\"40MHz\"", text)])).machines[0].cpu_clock;
    assert_eq!(clock("\"33MHz\""), Rate::fraction(100_000_000, 3));
    assert_eq!(clock("\"33.333MHz\""), Rate::hertz(33_333_000));
    assert_eq!(clock("\"33.0MHz\""), Rate::hertz(33_000_000));
    assert_eq!(clock("\"100/3 MHz\""), Rate::fraction(100_000_000, 3));
    assert_eq!(clock("\"25000kHz\""), Rate::hertz(25_000_000));
}

#[test]
fn what_a_lab_file_leaves_out_has_defaults() {
    let lab = lab_of(&edited(&[
        ("seed = 7\n", ""),
        ("stop = \"10min\"\n", ""),
        ("memory = \"4MB\"\n", ""),
        ("cpu = { clock = \"40MHz\" }\n", ""),
    ]));
    assert_eq!((lab.seed, lab.stop, lab.speed), (0, None, Speed::Max));
    assert_eq!(lab.epoch_seconds, 801_824_400);
    let machine = &lab.machines[0];
    assert_eq!(machine.memory_bytes, 4 << 20);
    assert_eq!(
        (machine.cpu_clock, machine.isa_clock),
        (Rate::hertz(40_000_000), Rate::hertz(8_000_000))
    );
    assert_eq!(machine.post_port, 0x80);
    assert_eq!(machine.timing.isa_8bit.value, 8);
    assert_eq!(machine.timing.isa_8bit.source, Source::Derived);
    assert_eq!(machine.placeholders(), 5);
}

#[test]
fn a_timing_constant_of_the_lab_file_replaces_the_default_with_its_source() {
    let constant = "timing.dram_read_wait = { value = 3, unit = \"cycle\", source = \"data sheet: OPTi 82C495, page 9\" }\nmemory =";
    let lab = lab_of(&edited(&[("memory =", constant)]));
    let wait = &lab.machines[1].timing.dram_read_wait;
    assert_eq!(
        (wait.value, wait.source, wait.note.as_str()),
        (3, Source::DataSheet, "OPTi 82C495, page 9")
    );
}

#[test]
fn speeds_are_kept_in_thousandths() {
    let speed = |value: &str| lab_of(&edited(&[("[time]", &format!("[time]\nspeed = {value}"))])).speed;
    assert_eq!(speed("\"realtime\""), Speed::Thousandths(1_000));
    assert_eq!(speed("0.5"), Speed::Thousandths(500));
    assert_eq!(speed("2"), Speed::Thousandths(2_000));
    assert_eq!(speed("\"max\""), Speed::Max);
}

#[test]
fn a_date_may_be_toml_s_own() {
    assert_eq!(
        lab_of(&edited(&[("[time]", "[time]\nrtc = 1995-05-30T09:00:01Z")])).epoch_seconds,
        801_824_401
    );
}

#[test]
fn overrides_replace_what_the_file_says_and_may_be_bare_words() {
    let set = [
        "profile.at.cpu.clock=33MHz",
        "lab.seed=9",
        "machine.pc.count = 3",
        "profile.at.card.0.irq=5",
        "time.rtc=1995-05-30T09:00:01Z",
        "machine.pc.boot.args=\"a=b c\"",
    ];
    let lab = read_with(GOOD, &set)
        .unwrap_or_else(|errors| panic!("{errors}"))
        .lab;
    assert_eq!(
        (lab.seed, lab.machines.len(), lab.epoch_seconds),
        (9, 3, 801_824_401)
    );
    assert_eq!(lab.machines[2].cpu_clock, Rate::fraction(100_000_000, 3));
    assert_eq!(lab.machines[2].cards[0].settings.interrupt, 5);
    assert_eq!(
        lab.machines[2].boot,
        Boot::Direct {
            image: 0,
            command_line: "a=b c".to_owned(),
            modules: Vec::new()
        }
    );
}

#[test]
fn an_override_may_be_an_option_of_its_own() {
    let seed = Override::option("--seed", "lab.seed", "11").expect("a path and a value");
    let lab = load(LabSource::builtin(), &[seed])
        .unwrap_or_else(|errors| panic!("{errors}"))
        .lab;
    assert_eq!(lab.seed, 11);
}

#[test]
fn paths_of_images_count_from_the_lab_file_s_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("lab.toml");
    std::fs::write(folder.path().join("k.elf"), b"kernel").expect("a kernel");
    std::fs::write(&file, edited(&[("builtin:kernel", "k.elf")])).expect("a lab file");
    let lab = load(LabSource::File(file), &[])
        .unwrap_or_else(|errors| panic!("{errors}"))
        .lab;
    assert_eq!(
        lab.images[0].source,
        ImageSource::File(folder.path().join("k.elf"))
    );
}

/// The good lab with a ROM of 64 KB in its machines, with each of `edits` made once; its folder must be kept.
fn lab_with_rom(edits: &[(&str, &str)]) -> (tempfile::TempDir, Lab) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("test.rom"), vec![0xF4; 0x1_0000]).expect("a ROM");
    let rom = "[image.rom]\npath = \"test.rom\"\n\n[segment.ether0]";
    let mut all = vec![("[segment.ether0]", rom)];
    all.extend_from_slice(edits);
    let source = LabSource::Text {
        name: "lab.toml".into(),
        text: edited(&all),
        folder: folder.path().into(),
    };
    let lab = load(source, &[]).unwrap_or_else(|errors| panic!("{errors}")).lab;
    (folder, lab)
}

#[test]
fn a_machine_with_a_rom_starts_in_it_and_is_shown_so() {
    let (_folder, lab) = lab_with_rom(&[
        ("boot = { image = \"kernel\" }", "bios = { image = \"rom\" }"),
        ("console = 'ready'", "post = 0xFF"),
    ]);
    let rom = Boot::Bios {
        image: 1,
        shutdown: Shutdown::Reset,
        order: BootOrder::FloppyFirst,
    };
    assert_eq!(lab.machines[1].boot, rom);
    assert_eq!(lab.expectations[0].sign, Sign::Post(0xFF));
    assert_eq!(lab_of(&show(&lab)), lab);
    assert!(obeys(&show_json(&lab), &schema()));
}

#[test]
fn a_machine_can_start_in_a_rom_although_its_profile_names_a_kernel() {
    let own = "bios = { image = \"rom\", shutdown = \"stop\" }\nboot = { from = \"bios\" }\ncount = 2";
    let (_folder, lab) = lab_with_rom(&[("count = 2", own)]);
    let rom = Boot::Bios {
        image: 1,
        shutdown: Shutdown::Stop,
        order: BootOrder::FloppyFirst,
    };
    assert_eq!(lab.machines[0].boot, rom);
}

/// The good lab with drives in its machines, from `text`; its folder must be kept.
fn lab_with_drives(text: &str) -> (tempfile::TempDir, Lab) {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, bytes) in [
        ("hd.img", 10 * 516_096),
        ("fd.img", 1200 << 10),
        ("vga.rom", 38_400),
    ] {
        std::fs::write(folder.path().join(name), vec![0; bytes]).expect("a file");
    }
    let images = [("hd", "hd.img"), ("fd", "fd.img"), ("vga", "vga.rom")]
        .map(|(name, file)| format!("[image.{name}]\npath = \"{file}\"\n"));
    let source = LabSource::Text {
        name: "lab.toml".into(),
        text: format!("{}\n{}\n{text}", edited(&[]), images.concat()),
        folder: folder.path().into(),
    };
    let lab = load(source, &[]).unwrap_or_else(|errors| panic!("{errors}")).lab;
    (folder, lab)
}

#[test]
fn drives_and_option_roms_are_shown_as_they_were_written() {
    let (folder, lab) = lab_with_drives(
        "[[profile.at.rom]]\nimage = \"vga\"\nat = 0xC0000\n\
         [[profile.at.disk]]\nimage = \"hd\"\nmodel = \"st3120a\"\ntiming = { seek = \"16ms\", rpm = 3600 }\n\
         [[machine.pc.disk]]\nimage = \"hd\"\ngeometry = { heads = 4, sectors = 17 }\n\
         [[machine.pc.floppy]]\nimage = \"fd\"\nkind = \"1.2MB\"\ndrive = 1\n",
    );
    let machine = &lab.machines[1];
    let [first, second] = machine.disks.map(|disk| disk.expect("two disks"));
    assert_eq!((first.model.name, first.model.rpm), ("st3120a", 3600));
    let seek = first.model.full_stroke.nanoseconds();
    assert_eq!(
        seek,
        3_300_000 + 21_996_000,
        "3.3 ms and the square root of 3 of 12.7 ms"
    );
    assert_eq!(
        (first.geometry.cylinders, second.geometry.cylinders),
        (10, 10 * 1008 / 68)
    );
    assert_eq!(machine.floppies[0], None);
    assert_eq!(
        machine.floppies[1].map(|floppy| floppy.kind),
        Some(FloppyDriveKind::Inch5High)
    );
    assert_eq!(machine.option_roms[0].bytes, 38_400);
    let shown = LabSource::Text {
        name: "shown.toml".into(),
        text: show(&lab),
        folder: folder.path().into(),
    };
    assert_eq!(load(shown, &[]).expect("the shown lab").lab, lab);
    assert!(obeys(&show_json(&lab), &schema()));
}

#[test]
fn a_blank_disk_has_the_shape_of_a_file_of_its_size_and_is_shown_as_it_was_written() {
    let (folder, lab) = lab_with_drives(
        "[image.empty]\nblank = \"100MB\"\n[[machine.pc.disk]]\nimage = \"empty\"\nmodel = \"st3120a\"\n",
    );
    let disk = lab.machines[1].disks[0].expect("a disk");
    let image = &lab.images[disk.image];
    assert_eq!(image.source, ImageSource::Blank(100 << 20));
    assert_eq!(disk.geometry.cylinders, (100 << 20) / (16 * 63 * 512));
    let text = show(&lab);
    assert!(text.contains("[image.empty]\nblank = \"100MB\"\naccess = \"overlay\"\n"));
    let shown = LabSource::Text {
        name: "shown.toml".into(),
        text,
        folder: folder.path().into(),
    };
    assert_eq!(load(shown, &[]).expect("the shown lab").lab, lab);
    assert!(obeys(&show_json(&lab), &schema()));
}

#[test]
fn a_disk_that_is_made_has_the_shape_that_its_description_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let description = "format = 1\nseed = 1\n[disk.a]\nsize = \"8MB\"\nbullet = { vdisk = 1 }\n\
                       [disk.b]\nsize = \"4MB\"\n";
    std::fs::write(folder.path().join("disks.toml"), description).expect("a file");
    let text = "format = 1\n[lab]\nname = \"made\"\n[image.kernel]\npath = \"builtin:kernel\"\n\
                [image.a]\nmake = \"disks.toml\"\ndisk = \"a\"\n\
                [machine.pc]\nboot = { image = \"kernel\" }\n[[machine.pc.disk]]\nimage = \"a\"\n";
    let source = |text: &str| LabSource::Text {
        name: "made.toml".into(),
        text: text.into(),
        folder: folder.path().into(),
    };
    let lab = load(source(text), &[]).expect("a good lab").lab;
    let cylinder = 16 * 63 * 512;
    let cylinders = (8 << 20) / cylinder;
    let disk = lab.machines[0].disks[0].expect("a disk");
    assert_eq!(u64::from(disk.geometry.cylinders), cylinders);
    let ImageSource::Made(made) = &lab.images[disk.image].source else {
        panic!("{:?}", lab.images)
    };
    assert_eq!((made.disk.as_str(), made.bytes), ("a", cylinders * cylinder));
    let shown = show(&lab);
    assert_eq!(load(source(&shown), &[]).expect("the shown lab").lab, lab);
    assert!(obeys(&show_json(&lab), &schema()));
    // Which of two disks must be said.
    let errors = load(source(&text.replace("disk = \"a\"\n[", "[")), &[]).expect_err("two disks");
    assert!(
        errors
            .messages()
            .render(false)
            .contains("has disks a, b: say which")
    );
}

/// Checks the parts of JSON schema that our schema uses, but for patterns and formats.
fn obeys(value: &serde_json::Value, schema: &serde_json::Value) -> bool {
    if let Some(choices) = schema.get("oneOf").or_else(|| schema.get("anyOf")) {
        return choices
            .as_array()
            .is_some_and(|list| list.iter().any(|choice| obeys(value, choice)));
    }
    if let Some(constant) = schema.get("const") {
        return value == constant;
    }
    if let Some(words) = schema.get("enum") {
        return words.as_array().is_some_and(|words| words.contains(value));
    }
    match schema["type"].as_str() {
        Some("object") => value.as_object().is_some_and(|fields| {
            let required = schema.get("required").and_then(|names| names.as_array());
            let has = |name: &serde_json::Value| name.as_str().is_some_and(|name| fields.contains_key(name));
            required.is_none_or(|names| names.iter().all(has))
                && fields.iter().all(|(name, value)| {
                    let known = schema.get("properties").and_then(|known| known.get(name));
                    let other = &schema["additionalProperties"];
                    known.map_or_else(
                        || other.is_object() && obeys(value, other),
                        |known| obeys(value, known),
                    )
                })
        }),
        Some("array") => value
            .as_array()
            .is_some_and(|list| list.iter().all(|value| obeys(value, &schema["items"]))),
        Some("string") => value.is_string(),
        Some("integer") => value.as_i64().is_some_and(|number| {
            schema["minimum"].as_i64() <= Some(number) && Some(number) <= schema["maximum"].as_i64()
        }),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        _ => false,
    }
}

#[test]
fn the_schema_takes_good_labs_and_refuses_unknown_fields_and_words() {
    let schema = schema();
    for text in [
        GOOD,
        include_str!("../../../labs/pair.toml"),
        include_str!("../../../labs/sixteen.toml"),
    ] {
        let value: serde_json::Value = toml::from_str(text).expect("TOML");
        assert!(obeys(&value, &schema));
    }
    assert!(obeys(&show_json(&lab_of(GOOD)), &schema));
    for edit in [
        ("seed", "sede"),
        ("10base2", "10baseT"),
        ("irq = 3", "irq = 77"),
        ("name = \"small\"", ""),
        ("irq", "irqq"),
    ] {
        let value: serde_json::Value = toml::from_str(&edited(&[edit])).expect("TOML");
        assert!(!obeys(&value, &schema), "{edit:?}");
    }
}

#[test]
fn the_schema_s_patterns_are_regular_expressions_that_take_our_examples() {
    let schema = schema();
    let memory = &schema["properties"]["profile"]["additionalProperties"]["properties"]["memory"];
    let pattern =
        regex::Regex::new(memory["pattern"].as_str().expect("a pattern")).expect("a regular expression");
    assert!(pattern.is_match("4MB") && pattern.is_match("640 KB"));
    assert!(!pattern.is_match("4") && !pattern.is_match("4MHz"));
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
}
