//! What was seen on a cable, as a pcapng file for Wireshark and its like.
//!
//! From the IETF draft "PCAP Now Generic (pcapng) Capture File Format", written with pcap-file 2.0. That crate stores
//! stamps as nanoseconds whatever the interface says, so every interface says nanoseconds (`if_tsresol` 9).
//!
//! * One interface a card, in the order of the stations, and one more, `<segment> (wire events)`, for what no card can
//!   see. All carry Ethernet frames without their check sequence, and say so (`if_fcslen` 0).
//! * Each frame once, on its sender's interface, marked outbound; one with a wrong check sequence or of less than 64
//!   bytes is marked as such too (`epb_flags` bits 24 and 26). The stamp is the first bit of its preamble leaving the
//!   sender; its last bit leaves (8 + length + 4) x 0.8 us later.
//! * A collision shows the frame of one party (the one that had sent most), cut to what had left, but never to less
//!   than its header, so that one sees whose it was: on cables of the standard's length nothing but preamble had left.
//!   A comment names all parties. Jams and deferrals come likewise.
//! * What fault rules did to a frame, and each change of the cable, with a comment, on the interface for events.
//! * What each receiver got, if the segment records it, on the receiver's interface, marked inbound, at the first bit of
//!   its preamble there; a frame that ends within a byte is marked as unaligned too (`epb_flags` bit 28).
//!
//! The file depends on the records and [`CaptureInfo`] only, not on the host:
//! it is little endian and names no operating system.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Write;
use std::time::Duration;

use clock::{Instant, Rate, Span};
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption,
};
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::{DataLink, Endianness, PcapError};

use crate::{CableChange, CaptureEvents, CheckSequence, Deed, End, Frame, Party, Record, StationId};

/// Destination, source and type.
const HEADER_BYTES: usize = 14;
/// The shortest frame without its check sequence, and the longest.
const SHORTEST_BYTES: usize = 60;
const LONGEST_BYTES: usize = 1514;
/// An option's length is a 16-bit field.
const LONGEST_OPTION: usize = 65_535;
/// `epb_flags`: direction.
const INBOUND: u32 = 0b01;
const OUTBOUND: u32 = 0b10;
/// `epb_flags`: the check sequence is wrong.
const CRC_ERROR: u32 = 1 << 24;
/// `epb_flags`: the packet is too long.
const TOO_LONG: u32 = 1 << 25;
/// `epb_flags`: the packet is too short.
const TOO_SHORT: u32 = 1 << 26;
/// `epb_flags`: the packet does not end on a byte boundary.
const UNALIGNED: u32 = 1 << 28;

/// What a capture file says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureInfo {
    /// The program that wrote it, with its version: `amlab 0.1.0`.
    pub program: String,
    /// The lab's name.
    pub lab: String,
    /// The lab's seed.
    pub seed: u64,
    /// Virtual time 0, in seconds since 1970.
    pub epoch_seconds: u64,
    /// The name of each station's interface, in the order of the stations: `pool0/el0`.
    pub interfaces: Vec<String>,
    /// The segment's name.
    pub segment: String,
    /// Bits per second.
    pub bit_rate: Rate,
    /// Which events of the wire are written, besides frames.
    pub events: CaptureEvents,
}

/// A capture could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the capture could not be written")]
pub struct CaptureError(#[from] PcapError);

/// A capture file being written: a record at a time, in the order in which a segment settles them, which is that of
/// their stamps.
pub struct Capture<W: Write> {
    writer: PcapNgWriter<W>,
    info: CaptureInfo,
}

impl<W: Write> Capture<W> {
    /// Writes the file's head. What follows comes in many small pieces: a `BufWriter` suits it.
    ///
    /// # Errors
    ///
    /// If `writer` fails.
    pub fn new(writer: W, info: CaptureInfo) -> Result<Self, CaptureError> {
        let section = SectionHeaderBlock {
            endianness: Endianness::Little,
            options: vec![
                SectionHeaderOption::Comment(format!("lab {}, seed {}", info.lab, info.seed).into()),
                SectionHeaderOption::Hardware(format!("emulated Ethernet segment {}", info.segment).into()),
                SectionHeaderOption::OS("virtual time".into()),
                SectionHeaderOption::UserApplication(info.program.clone().into()),
            ],
            ..SectionHeaderBlock::default()
        };
        let mut writer = PcapNgWriter::with_section_header(writer, section)?;
        let events = format!("{} (wire events)", info.segment);
        for name in info.interfaces.iter().chain([&events]) {
            writer.write_pcapng_block(interface(name, info.bit_rate))?;
        }
        Ok(Self { writer, info })
    }

    /// Writes a record, if it is of a kind that is wanted.
    ///
    /// # Errors
    ///
    /// If the writer fails.
    ///
    /// # Panics
    ///
    /// If it names a station without an interface.
    pub fn record(&mut self, record: &Record) -> Result<(), CaptureError> {
        let at = record.at();
        match record {
            Record::Frame {
                station,
                frame,
                outcome,
                ..
            } => {
                let is_lost = outcome.end == End::CarrierLost;
                let comment = is_lost.then_some("no carrier: the station is off the cable");
                self.frame(at, *station, OUTBOUND, frame, comment)?;
            }
            Record::Reception { station, frame, .. } => {
                self.frame(at, *station, INBOUND, frame, None)?;
            }
            Record::Fault {
                frame,
                rule,
                deed,
                receivers,
                ..
            } => {
                let comment = format!("fault {rule}: {} for {}", describe(deed), self.names(receivers));
                self.event(at, frame, length(frame), comment)?;
            }
            Record::Cable { change, .. } => {
                let comment = match change {
                    CableChange::Unplugged(station) => format!("cable: {} taken off", self.name(*station)),
                    CableChange::Plugged(station) => format!("cable: {} put back", self.name(*station)),
                    CableChange::Cut(position) => format!("cable: cut at {}", metres(*position)),
                    CableChange::Joined(position) => format!("cable: joined at {}", metres(*position)),
                };
                self.event(at, &Frame::new(&[], CheckSequence::Right), 0, comment)?;
            }
            Record::Collision { parties, jam, .. } => self.collision(at, parties, *jam)?,
            Record::Deferral { station, frame, .. } => {
                if self.info.events.deferrals {
                    let comment = format!("deferral: {} waits for the busy cable", self.name(*station));
                    self.event(at, frame, 0, comment)?;
                }
            }
        }
        Ok(())
    }

    /// Flushes the writer and gives it back.
    ///
    /// # Errors
    ///
    /// If the writer fails.
    pub fn finish(self) -> Result<W, CaptureError> {
        let mut writer = self.writer.into_inner();
        writer.flush().map_err(PcapError::IoError)?;
        Ok(writer)
    }

    fn collision(&mut self, at: Instant, parties: &[Party], jam: Span) -> Result<(), CaptureError> {
        let Some(party) = most_advanced(parties) else {
            unreachable!("a collision has parties");
        };
        let stations: Vec<_> = parties.iter().map(|party| party.station).collect();
        if self.info.events.collisions {
            let comment = self.collision_comment(&stations, parties, jam);
            self.event(at, &party.frame, party.bytes_sent, comment)?;
        }
        if self.info.events.jams {
            let comment = format!("jam: {}; {} each", self.names(&stations), microseconds(jam));
            self.event(at, &party.frame, party.bytes_sent, comment)?;
        }
        Ok(())
    }

    fn frame(
        &mut self,
        at: Instant,
        station: StationId,
        direction: u32,
        frame: &Frame,
        comment: Option<&str>,
    ) -> Result<(), CaptureError> {
        let mut flags = direction;
        if frame.check() == CheckSequence::Wrong {
            flags |= CRC_ERROR;
        }
        if frame.bytes().len() < SHORTEST_BYTES {
            flags |= TOO_SHORT;
        }
        if frame.bytes().len() > LONGEST_BYTES {
            flags |= TOO_LONG;
        }
        if frame.is_misaligned() {
            flags |= UNALIGNED;
        }
        let comment = comment.map(|text| EnhancedPacketOption::Comment(text.into()));
        let packet = EnhancedPacketBlock {
            interface_id: u32::from(station.0),
            timestamp: self.stamp(at),
            original_len: length(frame),
            data: Cow::Borrowed(frame.bytes()),
            options: comment
                .into_iter()
                .chain([EnhancedPacketOption::Flags(flags)])
                .collect(),
        };
        assert!(
            usize::from(station.0) < self.info.interfaces.len(),
            "{station:?} has an interface"
        );
        self.writer.write_pcapng_block(packet)?;
        Ok(())
    }

    /// Writes something that no card can see, with the beginning of the frame that it happened to.
    fn event(
        &mut self,
        at: Instant,
        frame: &Frame,
        sent: u32,
        mut comment: String,
    ) -> Result<(), CaptureError> {
        let bytes = frame.bytes();
        comment.truncate(comment.floor_char_boundary(LONGEST_OPTION));
        let shown = usize::try_from(sent).map_or(bytes.len(), |sent| sent.max(HEADER_BYTES));
        let packet = EnhancedPacketBlock {
            interface_id: u32::try_from(self.info.interfaces.len())
                .expect("stations are numbered in 16 bits"),
            timestamp: self.stamp(at),
            original_len: length(frame),
            data: Cow::Borrowed(&bytes[..shown.min(bytes.len())]),
            options: vec![EnhancedPacketOption::Comment(comment.into())],
        };
        self.writer.write_pcapng_block(packet)?;
        Ok(())
    }

    fn stamp(&self, at: Instant) -> Duration {
        Duration::from_secs(self.info.epoch_seconds) + Duration::from_nanos(at.nanoseconds())
    }

    /// A station's machine, by the name of its interface.
    fn name(&self, station: StationId) -> &str {
        let interface = &self.info.interfaces[usize::from(station.0)];
        interface.split('/').next().unwrap_or(interface)
    }

    fn names(&self, stations: &[StationId]) -> String {
        let names: Vec<_> = stations.iter().map(|station| self.name(*station)).collect();
        names.join(", ")
    }

    /// `collision: pool0, server; jam 3.2 us; pool0 attempt 1, back-off 1 slot; server attempt 2, back-off 0 slots`
    fn collision_comment(&self, stations: &[StationId], parties: &[Party], jam: Span) -> String {
        let mut comment = format!("collision: {}; jam {}", self.names(stations), microseconds(jam));
        for party in parties {
            let (name, attempt) = (self.name(party.station), party.attempt);
            let backoff = match party.backoff_slots {
                Some(1) => "back-off 1 slot".to_owned(),
                Some(slots) => format!("back-off {slots} slots"),
                None => "given up".to_owned(),
            };
            write!(comment, "; {name} attempt {attempt}, {backoff}")
                .expect("a string takes what is written to it");
        }
        comment
    }
}

fn interface(name: &str, bit_rate: Rate) -> InterfaceDescriptionBlock<'_> {
    InterfaceDescriptionBlock {
        linktype: DataLink::ETHERNET,
        snaplen: 0,
        options: vec![
            InterfaceDescriptionOption::IfName(name.into()),
            InterfaceDescriptionOption::IfSpeed(bit_rate.whole_hertz()),
            InterfaceDescriptionOption::IfTsResol(9),
            InterfaceDescriptionOption::IfFcsLen(0),
        ],
    }
}

/// What a fault rule does, as its comment says it.
fn describe(deed: &Deed) -> String {
    match deed {
        Deed::Lose => "lost".to_owned(),
        Deed::FlipBits { count, check } => {
            let check = match check {
                CheckSequence::Right => "right",
                CheckSequence::Wrong => "wrong",
            };
            format!("{count} bits flipped, check sequence {check},")
        }
        Deed::Misalign { dribble_bits } => format!("{dribble_bits} bits too many"),
        Deed::Truncate { length } => format!("cut to {length} bytes"),
        Deed::Delay { .. } => "delayed".to_owned(),
        Deed::Duplicate { copies, .. } => format!("repeated {copies} times"),
        Deed::Reorder { behind, .. } => format!("held behind {behind} frames"),
    }
}

/// A place on the cable, to a tenth of a metre.
fn metres(millimetres: u64) -> String {
    format!("{}.{} m", millimetres / 1_000, millimetres % 1_000 / 100)
}

/// To a tenth, a bit time at 10 Mbit/s.
fn microseconds(span: Span) -> String {
    let tenths = span.nanoseconds() / 100;
    format!("{}.{} us", tenths / 10, tenths % 10)
}

/// The party of a collision that had sent most, the first of several.
fn most_advanced(parties: &[Party]) -> Option<&Party> {
    parties.iter().rev().max_by_key(|party| party.bytes_sent)
}

fn length(frame: &Frame) -> u32 {
    u32::try_from(frame.bytes().len()).expect("a frame has at most 65535 bytes")
}

#[cfg(test)]
mod tests {
    use pcap_file::pcapng::{Block, PcapNgReader};

    use super::*;
    use crate::{End, Outcome};

    fn info(events: CaptureEvents) -> CaptureInfo {
        CaptureInfo {
            program: "amlab 0.1.0".to_owned(),
            lab: "steketee1995".to_owned(),
            seed: 1995,
            epoch_seconds: 800_000_000,
            interfaces: vec!["server/el0".to_owned(), "pool0/el0".to_owned()],
            segment: "ether0".to_owned(),
            bit_rate: Rate::hertz(10_000_000),
            events,
        }
    }

    const ALL: CaptureEvents = CaptureEvents {
        collisions: true,
        jams: true,
        deferrals: true,
    };

    fn frame(fill: u8, bytes: usize, check: CheckSequence) -> Frame {
        let mut content = vec![fill; bytes];
        content[12..14].copy_from_slice(&[0x81, 0x46]);
        Frame::new(&content, check)
    }

    fn at(nanoseconds: u64) -> Instant {
        Instant::START + Span::from_nanoseconds(nanoseconds)
    }

    fn good(nanoseconds: u64, station: u16, frame: Frame) -> Record {
        let outcome = Outcome {
            collisions: 0,
            deferred: false,
            late: false,
            end: End::Good,
        };
        Record::Frame {
            start: at(nanoseconds),
            station: StationId(station),
            frame,
            outcome,
        }
    }

    fn records() -> Vec<Record> {
        let party = |station, bytes_sent, attempt, backoff_slots| Party {
            station: StationId(station),
            bytes_sent,
            frame: frame(station as u8 + 1, 100, CheckSequence::Right),
            attempt,
            backoff_slots,
        };
        vec![
            good(1_000_000_007, 1, frame(0x11, 60, CheckSequence::Right)),
            Record::Deferral {
                at: at(1_000_003_000),
                station: StationId(0),
                frame: frame(0x22, 1514, CheckSequence::Wrong),
            },
            Record::Collision {
                at: at(1_000_100_000),
                start: at(1_000_099_999),
                parties: vec![party(0, 0, 1, Some(1)), party(1, 20, 16, None)],
                jam: Span::from_nanoseconds(3_200),
            },
            good(1_000_200_000, 0, frame(0x22, 1514, CheckSequence::Wrong)),
            good(1_002_000_000, 0, frame(0x33, 20, CheckSequence::Right)),
        ]
    }

    fn written(events: CaptureEvents) -> Vec<u8> {
        let mut capture = Capture::new(Vec::new(), info(events)).expect("memory takes it");
        for record in records() {
            capture.record(&record).expect("memory takes it");
        }
        capture.finish().expect("memory takes it")
    }

    fn read(bytes: &[u8]) -> (PcapNgReader<&[u8]>, Vec<EnhancedPacketBlock<'static>>) {
        let mut reader = PcapNgReader::new(bytes).expect("it begins with a section");
        let mut packets = Vec::new();
        while let Some(block) = reader.next_block() {
            if let Block::EnhancedPacket(packet) = block.expect("it is well formed") {
                packets.push(packet.into_owned());
            }
        }
        (reader, packets)
    }

    #[test]
    fn the_file_reads_back_with_its_head_and_interfaces() {
        let bytes = written(ALL);
        let (reader, _) = read(&bytes);
        assert_eq!(
            reader.section().options,
            [
                SectionHeaderOption::Comment("lab steketee1995, seed 1995".into()),
                SectionHeaderOption::Hardware("emulated Ethernet segment ether0".into()),
                SectionHeaderOption::OS("virtual time".into()),
                SectionHeaderOption::UserApplication("amlab 0.1.0".into()),
            ]
        );
        let names = ["server/el0", "pool0/el0", "ether0 (wire events)"];
        assert_eq!(
            reader.interfaces(),
            names.map(|name| interface(name, Rate::hertz(10_000_000)))
        );
    }

    #[test]
    fn each_frame_reads_back_once_on_its_senders_interface_at_its_nanosecond() {
        let bytes = written(CaptureEvents::default());
        let (_, packets) = read(&bytes);
        let seen: Vec<_> = packets
            .iter()
            .map(|packet| {
                (
                    packet.interface_id,
                    packet.timestamp.as_nanos(),
                    packet.original_len,
                    packet.data.to_vec(),
                )
            })
            .collect();
        let epoch = 800_000_000_000_000_000;
        let expected = [(0, 1), (3, 0), (4, 0)].map(|(index, station)| match &records()[index] {
            Record::Frame { start, frame, .. } => {
                let bytes = frame.bytes().to_vec();
                (
                    station,
                    epoch + u128::from(start.nanoseconds()),
                    bytes.len() as u32,
                    bytes,
                )
            }
            other => panic!("{other:?} is no frame"),
        });
        assert_eq!(seen, expected);
        let flags = packets
            .iter()
            .map(|packet| packet.options.clone())
            .collect::<Vec<_>>();
        let expected = [OUTBOUND, OUTBOUND | CRC_ERROR, OUTBOUND | TOO_SHORT];
        assert_eq!(
            flags,
            expected.map(|flags| vec![EnhancedPacketOption::Flags(flags)])
        );
    }

    #[test]
    fn events_read_back_as_truncated_frames_with_a_comment() {
        let bytes = written(ALL);
        let (_, packets) = read(&bytes);
        let events: Vec<_> = packets.iter().filter(|packet| packet.interface_id == 2).collect();
        let comments: Vec<_> = events.iter().map(|packet| packet.options.clone()).collect();
        let comment = |text: &'static str| vec![EnhancedPacketOption::Comment(text.into())];
        assert_eq!(
            comments,
            [
                comment("deferral: server waits for the busy cable"),
                comment(
                    "collision: server, pool0; jam 3.2 us; server attempt 1, back-off 1 slot; \
                     pool0 attempt 16, given up"
                ),
                comment("jam: server, pool0; 3.2 us each"),
            ]
        );
        let lengths: Vec<_> = events
            .iter()
            .map(|packet| (packet.data.len(), packet.original_len))
            .collect();
        assert_eq!(lengths, [(14, 1514), (20, 100), (20, 100)]);
        assert_eq!(events[1].data[0], 2);
    }

    #[test]
    fn a_collision_in_the_preamble_shows_the_header_of_the_first_party() {
        let mut record = records().remove(2);
        if let Record::Collision { parties, .. } = &mut record {
            parties[1].bytes_sent = 0;
        }
        let mut capture = Capture::new(Vec::new(), info(ALL)).expect("memory takes it");
        capture.record(&record).expect("memory takes it");
        let bytes = capture.finish().expect("memory takes it");
        let (_, packets) = read(&bytes);
        assert_eq!((packets[0].data.len(), packets[0].data[0]), (14, 1));
    }

    #[test]
    fn a_comment_on_very_many_parties_is_cut_to_what_an_option_holds() {
        let mut record = records().remove(2);
        if let Record::Collision { parties, .. } = &mut record {
            *parties = vec![parties[0].clone(); 5_000];
        }
        let mut capture = Capture::new(Vec::new(), info(ALL)).expect("memory takes it");
        capture.record(&record).expect("memory takes it");
        let bytes = capture.finish().expect("memory takes it");
        let (_, packets) = read(&bytes);
        let EnhancedPacketOption::Comment(comment) = &packets[0].options[0] else {
            panic!("it has a comment");
        };
        assert_eq!(comment.len(), 65_535);
    }

    #[test]
    fn equal_records_give_equal_bytes() {
        assert_eq!(written(ALL), written(ALL));
    }

    #[test]
    fn a_writer_that_fails_is_reported() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        assert!(Capture::new(Full, info(ALL)).is_err());
    }

    fn comment(packet: &EnhancedPacketBlock) -> Option<String> {
        packet.options.iter().find_map(|option| match option {
            EnhancedPacketOption::Comment(text) => Some(text.to_string()),
            _ => None,
        })
    }

    fn flags(packet: &EnhancedPacketBlock) -> Option<u32> {
        packet.options.iter().find_map(|option| match option {
            EnhancedPacketOption::Flags(flags) => Some(*flags),
            _ => None,
        })
    }

    fn written_packets(records: &[Record]) -> Vec<EnhancedPacketBlock<'static>> {
        let mut capture = Capture::new(Vec::new(), info(CaptureEvents::default())).expect("memory takes it");
        for record in records {
            capture.record(record).expect("memory takes it");
        }
        read(&capture.finish().expect("memory takes it")).1
    }

    #[test]
    fn what_a_rule_did_is_told_with_its_name_and_its_receivers() {
        let lost = frame(0x44, 100, CheckSequence::Right);
        let deeds = [
            (Deed::Lose, "lost"),
            (
                Deed::FlipBits {
                    count: 2,
                    check: CheckSequence::Wrong,
                },
                "2 bits flipped, check sequence wrong,",
            ),
            (Deed::Misalign { dribble_bits: 3 }, "3 bits too many"),
            (Deed::Truncate { length: 40 }, "cut to 40 bytes"),
        ];
        for (deed, words) in deeds {
            let packets = written_packets(&[Record::Fault {
                start: at(5),
                station: StationId(1),
                frame: lost.clone(),
                rule: "noise".into(),
                deed,
                receivers: vec![StationId(0), StationId(1)],
            }]);
            assert_eq!(packets[0].interface_id, 2);
            assert_eq!(packets[0].data, lost.bytes());
            let expected = format!("fault noise: {words} for server, pool0");
            assert_eq!(comment(&packets[0]), Some(expected));
        }
    }

    #[test]
    fn a_reception_reads_back_inbound_on_its_receivers_interface_with_its_errors() {
        let reception = |frame| Record::Reception {
            start: at(7),
            station: StationId(0),
            from: StationId(1),
            frame,
        };
        let packets = written_packets(&[
            reception(frame(0x11, 60, CheckSequence::Right)),
            reception(frame(0x11, 1515, CheckSequence::Wrong).with_dribble_bits(2)),
        ]);
        assert!(packets.iter().all(|packet| packet.interface_id == 0));
        assert_eq!(flags(&packets[0]), Some(INBOUND));
        let errors = INBOUND | CRC_ERROR | TOO_LONG | UNALIGNED;
        assert_eq!(flags(&packets[1]), Some(errors));
    }

    #[test]
    fn changes_of_the_cable_read_back_as_comments() {
        let change = |change| Record::Cable { at: at(9), change };
        let packets = written_packets(&[
            change(CableChange::Unplugged(StationId(0))),
            change(CableChange::Plugged(StationId(0))),
            change(CableChange::Cut(12_345)),
            change(CableChange::Joined(12_345)),
        ]);
        let comments: Vec<_> = packets.iter().filter_map(comment).collect();
        let expected = [
            "cable: server taken off",
            "cable: server put back",
            "cable: cut at 12.3 m",
            "cable: joined at 12.3 m",
        ];
        assert_eq!(comments, expected);
    }

    #[test]
    fn a_frame_without_carrier_says_so() {
        let outcome = Outcome {
            collisions: 0,
            deferred: false,
            late: false,
            end: End::CarrierLost,
        };
        let packets = written_packets(&[Record::Frame {
            start: at(1),
            station: StationId(0),
            frame: frame(0x11, 60, CheckSequence::Right),
            outcome,
        }]);
        let expected = "no carrier: the station is off the cable";
        assert_eq!(comment(&packets[0]).as_deref(), Some(expected));
    }
}
