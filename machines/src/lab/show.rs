//! What a lab file means, written out: as a lab file again, and as a table of timing constants.

use std::fmt::Write;

use clock::Instant;
use serde_json::{Value as Json, json};

use super::drives::{average_seek, floppy_word};
use super::fields::FORMAT;
use super::mac;
use super::machine::port_of;
use super::model::{
    Access, Boot, BootOrder, Capture, Card, Disk, Expectation, Floppy, Generator, Image, ImageSource, Input,
    InputTime, Lab, Machine, Segment, Shutdown, Sign, Speed,
};
use super::moment;
use super::show_fault;
use super::traffic::pace_words;
use super::units::{
    show_bit_rate, show_frequency, show_length, show_memory, show_processor_clock, show_time,
};

/// The lab with profiles, counts and defaults filled in, as a lab file that means the same lab.
#[must_use]
pub fn show(lab: &Lab) -> String {
    let mut out = String::new();
    write_lab(&mut out, lab).expect("a string takes every text");
    out
}

/// What [`show`] writes, for programs: the same fields with the same units.
#[must_use]
pub fn show_json(lab: &Lab) -> Json {
    toml::from_str(&show(lab)).expect("a shown lab is TOML")
}

/// A TOML string.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn write_lab(out: &mut String, lab: &Lab) -> std::fmt::Result {
    writeln!(out, "format = {FORMAT}\n\n[lab]\nname = {}", quoted(&lab.name))?;
    if !lab.description.is_empty() {
        writeln!(out, "description = {}", quoted(&lab.description))?;
    }
    writeln!(out, "seed = {}", lab.seed)?;
    writeln!(
        out,
        "\n[time]\nrtc = {}",
        quoted(&moment::show(lab.epoch_seconds))
    )?;
    if let Some(stop) = lab.stop {
        writeln!(out, "stop = {}", quoted(&show_time(stop)))?;
    }
    writeln!(out, "speed = {}", quoted(&speed(lab.speed)))?;
    for image in &lab.images {
        write_image(out, image)?;
    }
    for segment in &lab.segments {
        write_segment(out, segment)?;
    }
    for machine in &lab.machines {
        write_machine(out, lab, machine)?;
    }
    for generator in &lab.generators {
        write_generator(out, lab, generator)?;
    }
    for fault in &lab.faults {
        show_fault::write(out, lab, fault)?;
    }
    for input in &lab.inputs {
        write_input(out, lab, input)?;
    }
    for expectation in &lab.expectations {
        write_expectation(out, lab, expectation)?;
    }
    for capture in &lab.captures {
        write_capture(out, lab, capture)?;
    }
    Ok(())
}

fn speed(speed: Speed) -> String {
    match speed {
        Speed::Max => "max".to_owned(),
        Speed::Thousandths(1_000) => "realtime".to_owned(),
        Speed::Thousandths(factor) => format!("{}.{:03}", factor / 1_000, factor % 1_000),
    }
}

fn write_image(out: &mut String, image: &Image) -> std::fmt::Result {
    writeln!(out, "\n[image.{}]", image.name)?;
    match &image.source {
        ImageSource::File(path) => writeln!(out, "path = {}", quoted(&path.to_string_lossy()))?,
        ImageSource::Builtin(name) => writeln!(out, "path = \"builtin:{name}\"")?,
        ImageSource::Made(made) => {
            writeln!(out, "make = {}", quoted(&made.description.to_string_lossy()))?;
            writeln!(out, "disk = {}", quoted(&made.disk))?;
        }
        ImageSource::Blank(bytes) => writeln!(out, "blank = \"{}\"", show_memory(*bytes))?,
    }
    let access = match image.access {
        Access::ReadOnly => "readonly",
        Access::Overlay => "overlay",
        Access::Direct => "direct",
    };
    writeln!(out, "access = \"{access}\"")
}

fn write_segment(out: &mut String, segment: &Segment) -> std::fmt::Result {
    let settings = &segment.settings;
    let model = match settings.model {
        wire::Model::CsmaCd => "csma-cd",
        wire::Model::Fifo => "fifo",
        wire::Model::Ideal => "ideal",
    };
    writeln!(out, "\n[segment.{}]", segment.name)?;
    writeln!(
        out,
        "kind = \"{}\"\nmodel = \"{model}\"",
        kind_word(settings.kind)
    )?;
    writeln!(
        out,
        "rate = \"{}\"",
        show_bit_rate(settings.bit_rate.whole_hertz())
    )?;
    writeln!(out, "length = \"{}\"", show_length(settings.length_millimetres))
}

const fn kind_word(kind: wire::Kind) -> &'static str {
    match kind {
        wire::Kind::TenBase2 => "10base2",
        wire::Kind::TenBase5 => "10base5",
    }
}

fn write_machine(out: &mut String, lab: &Lab, machine: &Machine) -> std::fmt::Result {
    let name = &machine.name;
    writeln!(out, "\n[machine.{name}]")?;
    if !machine.role.is_empty() {
        writeln!(out, "role = {}", quoted(&machine.role))?;
    }
    let memory = show_memory(u64::from(machine.memory_bytes));
    writeln!(out, "memory = \"{memory}\"")?;
    write_boot(out, lab, &machine.boot)?;
    let clock = show_processor_clock(machine.cpu_clock);
    writeln!(
        out,
        "cpu = {{ model = \"386dx\", clock = \"{clock}\", fpu = \"none\" }}"
    )?;
    writeln!(
        out,
        "isa = {{ clock = \"{}\" }}",
        show_frequency(machine.isa_clock)
    )?;
    writeln!(out, "post_port = {:#x}", machine.post_port)?;
    let serial_ports = if machine.has_second_serial { 2 } else { 1 };
    writeln!(out, "serial_ports = {serial_ports}")?;
    let disk_controller = match machine.assists_disk_firmware {
        true => "assisting",
        false => "ata-1",
    };
    writeln!(out, "disk_controller = \"{disk_controller}\"")?;
    let floppy_controller = match machine.assists_floppy_firmware {
        true => "assisting",
        false => "82077aa",
    };
    writeln!(out, "floppy_controller = \"{floppy_controller}\"")?;
    writeln!(out, "\n[machine.{name}.timing]")?;
    for (constant, unit, value) in machine.timing.constants() {
        let source = quoted(&format!("{}: {}", value.source.word(), value.note));
        let value = value.value;
        writeln!(
            out,
            "{constant} = {{ value = {value}, unit = \"{unit}\", source = {source} }}"
        )?;
    }
    for card in &machine.cards {
        write_card(out, lab, name, card)?;
    }
    for (drive, floppy) in (0..).zip(&machine.floppies) {
        if let Some(floppy) = floppy {
            write_floppy(out, lab, name, drive, floppy)?;
        }
    }
    for (drive, disk) in (0..).zip(&machine.disks) {
        if let Some(disk) = disk {
            write_disk(out, lab, name, drive, disk)?;
        }
    }
    write_modules(out, lab, name, &machine.boot)?;
    for rom in &machine.option_roms {
        writeln!(out, "\n[[machine.{name}.rom]]")?;
        let image = &lab.images[rom.image].name;
        writeln!(out, "image = \"{image}\"\nat = {:#x}", rom.address)?;
    }
    Ok(())
}

/// The modules, which are tables of their own and so come behind the machine's settings.
fn write_modules(out: &mut String, lab: &Lab, name: &str, boot: &Boot) -> std::fmt::Result {
    let Boot::Direct { modules, .. } = boot else {
        return Ok(());
    };
    for module in modules {
        let image = &lab.images[module.image].name;
        let args = quoted(&module.arguments);
        writeln!(
            out,
            "\n[[machine.{name}.module]]\nimage = \"{image}\"\nargs = {args}"
        )?;
    }
    Ok(())
}

fn write_boot(out: &mut String, lab: &Lab, boot: &Boot) -> std::fmt::Result {
    match boot {
        Boot::Direct {
            image, command_line, ..
        } => {
            let image = &lab.images[*image].name;
            let args = quoted(command_line);
            writeln!(
                out,
                "boot = {{ from = \"direct\", image = \"{image}\", args = {args} }}"
            )
        }
        Boot::Bios {
            image,
            shutdown,
            order,
        } => {
            let image = &lab.images[*image].name;
            let shutdown = match shutdown {
                Shutdown::Reset => "reset",
                Shutdown::Stop => "stop",
            };
            let from = match order {
                BootOrder::FloppyFirst => "bios",
                BootOrder::DiskFirst => "disk",
            };
            writeln!(
                out,
                "boot = {{ from = \"{from}\" }}\nbios = {{ image = \"{image}\", shutdown = \"{shutdown}\" }}"
            )
        }
    }
}

fn write_card(out: &mut String, lab: &Lab, machine: &str, card: &Card) -> std::fmt::Result {
    let segment = &lab.segments[card.segment];
    let settings = &card.settings;
    writeln!(out, "\n[[machine.{machine}.card]]")?;
    writeln!(out, "type = \"{}\"", settings.model.name())?;
    writeln!(out, "segment = \"{}\"", segment.name)?;
    writeln!(out, "port = \"{}\"", port_of(kind_word(segment.settings.kind)))?;
    writeln!(out, "io = {:#x}\nirq = {}", settings.io_base, settings.interrupt)?;
    if let Some(memory) = settings.memory_base {
        writeln!(out, "ram = {memory:#x}")?;
    }
    if let Some(prom) = card.prom {
        writeln!(out, "prom = {{ image = \"{}\" }}", lab.images[prom].name)?;
    }
    writeln!(out, "mac = \"{}\"", mac::show(settings.station_address))?;
    writeln!(out, "tap = \"{}\"", show_length(card.position_millimetres))
}

fn write_generator(out: &mut String, lab: &Lab, generator: &Generator) -> std::fmt::Result {
    let settings = &generator.settings;
    let segment = &lab.segments[generator.segment].name;
    writeln!(out, "\n[traffic.{}]\nsegment = \"{segment}\"", generator.name)?;
    writeln!(out, "mac = \"{}\"", mac::show(settings.source))?;
    writeln!(out, "destination = \"{}\"", mac::show(settings.destination))?;
    writeln!(out, "ethertype = {:#06x}", settings.ethertype)?;
    match &settings.length {
        wire::Length::Fixed(length) => writeln!(out, "length = {length}")?,
        wire::Length::Uniform(least, most) => writeln!(out, "length = {least}\nlongest = {most}")?,
        wire::Length::Cycle(lengths) => writeln!(out, "lengths = {lengths:?}")?,
    }
    let (word, span) = pace_words(settings.pace);
    writeln!(out, "{word} = \"{}\"", show_time(span))?;
    let start = settings.start.since(Instant::START);
    writeln!(out, "start = \"{}\"", show_time(start))?;
    if let Some(frames) = settings.count {
        writeln!(out, "frames = {frames}")?;
    }
    if let Some(seed) = generator.seed {
        writeln!(out, "seed = {seed}")?;
    }
    writeln!(out, "tap = \"{}\"", show_length(generator.position_millimetres))
}

fn write_floppy(
    out: &mut String,
    lab: &Lab,
    machine: &str,
    drive: usize,
    floppy: &Floppy,
) -> std::fmt::Result {
    writeln!(out, "\n[[machine.{machine}.floppy]]\ndrive = {drive}")?;
    writeln!(out, "kind = \"{}\"", floppy_word(floppy.kind))?;
    match floppy.image {
        Some(image) => writeln!(out, "image = \"{}\"", lab.images[image].name),
        None => Ok(()),
    }
}

/// The seek is that of the model: what a lab file has set instead is shown as the average seek again.
fn write_disk(out: &mut String, lab: &Lab, machine: &str, drive: usize, disk: &Disk) -> std::fmt::Result {
    let (model, geometry) = (&disk.model, &disk.geometry);
    writeln!(out, "\n[[machine.{machine}.disk]]\ndrive = {drive}")?;
    writeln!(out, "controller = \"ide\"\nmodel = \"{}\"", model.name)?;
    writeln!(out, "image = \"{}\"", lab.images[disk.image].name)?;
    writeln!(
        out,
        "timing = {{ seek = \"{}\", rpm = {} }}",
        show_time(average_seek(model)),
        model.rpm
    )?;
    writeln!(
        out,
        "geometry = {{ heads = {}, sectors = {} }}",
        geometry.heads, geometry.sectors_per_track
    )
}

fn write_input(out: &mut String, lab: &Lab, input: &Input) -> std::fmt::Result {
    let name = |&machine: &usize| quoted(&lab.machines[machine].name);
    let machines: Vec<String> = input.machines.iter().map(name).collect();
    writeln!(out, "\n[[input]]\nmachine = [{}]", machines.join(", "))?;
    match &input.time {
        InputTime::At(at) => writeln!(out, "at = \"{}\"", show_time(at.since(Instant::START)))?,
        InputTime::After { pattern, delay } => writeln!(
            out,
            "after = {}\ndelay = \"{}\"",
            quoted(pattern),
            show_time(*delay)
        )?,
    }
    writeln!(out, "device = \"{}\"", input.device.word())?;
    writeln!(out, "text = {}", quoted(&input.text))
}

fn write_expectation(out: &mut String, lab: &Lab, expectation: &Expectation) -> std::fmt::Result {
    let machines: Vec<String> = expectation
        .machines
        .iter()
        .map(|&machine| quoted(&lab.machines[machine].name))
        .collect();
    writeln!(out, "\n[[expect]]\nmachine = [{}]", machines.join(", "))?;
    match &expectation.sign {
        Sign::Console(pattern) => writeln!(out, "console = {}", quoted(pattern))?,
        Sign::Post(code) => writeln!(out, "post = {code:#04x}")?,
    }
    writeln!(out, "within = \"{}\"", show_time(expectation.within))?;
    writeln!(out, "absent = {}", expectation.is_absent)
}

fn write_capture(out: &mut String, lab: &Lab, capture: &Capture) -> std::fmt::Result {
    let events = [
        (capture.events.collisions, "\"collision\""),
        (capture.events.jams, "\"jam\""),
        (capture.events.deferrals, "\"deferral\""),
    ];
    let events: Vec<&str> = events
        .into_iter()
        .filter_map(|(is_wanted, word)| is_wanted.then_some(word))
        .collect();
    writeln!(out, "\n[capture.{}]", capture.name)?;
    writeln!(out, "segment = \"{}\"", lab.segments[capture.segment].name)?;
    writeln!(out, "file = {}", quoted(&capture.file))?;
    writeln!(out, "events = [{}]", events.join(", "))
}

/// The timing constants of every machine with their sources, as a table. Machines that follow one another and have
/// the same constants share their lines.
#[must_use]
pub fn show_timing(lab: &Lab) -> String {
    const HEADINGS: [&str; 5] = ["machine", "constant", "value", "unit", "source"];
    let mut rows: Vec<[String; 5]> = vec![HEADINGS.map(str::to_owned)];
    for group in lab.machines.chunk_by(|a, b| a.timing == b.timing) {
        let machines = match group {
            [only] => only.name.clone(),
            _ => format!("{}..{}", group[0].name, group[group.len() - 1].name),
        };
        for (name, unit, constant) in group[0].timing.constants() {
            rows.push([
                machines.clone(),
                name.to_owned(),
                constant.value.to_string(),
                unit.to_owned(),
                format!("{}: {}", constant.source.word(), constant.note),
            ]);
        }
    }
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2), width(3)];
    let mut out = String::new();
    for [machine, constant, value, unit, source] in &rows {
        writeln!(
            out,
            "{machine:0$}  {constant:1$}  {value:>2$}  {unit:3$}  {source}",
            widths[0], widths[1], widths[2], widths[3]
        )
        .expect("a string takes every text");
    }
    out
}

/// The timing constants of every machine, for programs: a list of `{machine, constant, value, unit, source, note}`.
#[must_use]
pub fn show_timing_json(lab: &Lab) -> Json {
    let of_machine = |machine: &Machine| -> Vec<Json> {
        machine
            .timing
            .constants()
            .into_iter()
            .map(|(name, unit, constant)| {
                json!({
                    "machine": machine.name,
                    "constant": name,
                    "value": constant.value,
                    "unit": unit,
                    "source": constant.source.word(),
                    "note": constant.note,
                })
            })
            .collect()
    };
    lab.machines.iter().flat_map(of_machine).collect()
}
