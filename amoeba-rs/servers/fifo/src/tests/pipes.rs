//! What happens between those who read and those who write.

use super::clients::{Lab, bytes, capability};
use proto::fifo::{Command, Make, Open, Status as Own};
use proto::standard::Status;

#[test]
fn what_is_written_is_read_in_its_order() {
    let mut lab = Lab::new();
    let [reader, writer] = lab.pipe(0);
    for text in [&b"one "[..], b"two ", b"three"] {
        let reply = lab.write(&writer, text).unwrap().unwrap();
        assert_eq!(usize::from(reply.header.size), text.len());
    }
    assert_eq!(bytes(lab.read(&reader, 6).unwrap()), (b"one tw".to_vec(), false));
    let condition = lab.ask(&reader, 4056, (0, 0, 0)).unwrap().header;
    assert_eq!((condition.offset, condition.extra), (7, 0));
    assert_eq!(
        bytes(lab.read(&reader, 600).unwrap()),
        (b"o three".to_vec(), false)
    );
}

#[test]
fn a_reader_waits_for_bytes_and_comes_to_the_end_when_nobody_writes() {
    let mut lab = Lab::new();
    let [reader, writer] = lab.pipe(0);
    let waiting = lab.read(&reader, 10).unwrap_err();
    assert_eq!(lab.answer(waiting), None);
    lab.write(&writer, b"text").unwrap().unwrap();
    let answer = lab.answer(waiting).unwrap();
    assert_eq!(bytes(answer), (b"text".to_vec(), false));
    let waiting = lab.read(&reader, 10).unwrap_err();
    lab.close(&writer).unwrap();
    assert_eq!(bytes(lab.answer(waiting).unwrap()), (b"".to_vec(), true));
    assert_eq!(bytes(lab.read(&reader, 10).unwrap()), (b"".to_vec(), true));
}

#[test]
fn what_was_written_before_the_end_is_read_first() {
    let mut lab = Lab::new();
    let [reader, writer] = lab.pipe(0);
    lab.write(&writer, b"rest").unwrap().unwrap();
    lab.close(&writer).unwrap();
    assert_eq!(bytes(lab.read(&reader, 10).unwrap()), (b"rest".to_vec(), false));
    assert_eq!(bytes(lab.read(&reader, 10).unwrap()), (b"".to_vec(), true));
}

#[test]
fn a_writer_is_told_when_nobody_reads_even_if_it_waits() {
    let mut lab = Lab::new();
    let [reader, writer] = lab.pipe(4);
    lab.write(&writer, b"full").unwrap().unwrap();
    let waiting = lab.write(&writer, b"more").unwrap_err();
    lab.close(&reader).unwrap();
    assert_eq!(lab.answer(waiting), Some(Err(Own::NoReader.into())));
    assert_eq!(lab.write(&writer, b"x"), Ok(Err(Own::NoReader.into())));
}

#[test]
fn a_write_that_fits_is_not_torn_and_a_longer_one_goes_as_it_fits() {
    let mut lab = Lab::new();
    let [reader, writer] = lab.pipe(8);
    lab.write(&writer, b"123456").unwrap().unwrap();
    let whole = lab.write(&writer, b"abc").unwrap_err();
    // What comes after it waits behind it, though there is room.
    let next = lab.write(&writer, b"d").unwrap_err();
    assert_eq!(bytes(lab.read(&reader, 100).unwrap()).0, b"123456");
    assert_eq!(lab.answer(whole).unwrap().unwrap().header.size, 3);
    assert_eq!(lab.answer(next).unwrap().unwrap().header.size, 1);
    let long = lab.write(&writer, b"longer than it").unwrap_err();
    assert_eq!(bytes(lab.read(&reader, 100).unwrap()).0, b"abcdlong");
    assert_eq!(bytes(lab.read(&reader, 100).unwrap()).0, b"er than ");
    assert_eq!(lab.answer(long).unwrap().unwrap().header.size, 14);
    assert_eq!(bytes(lab.read(&reader, 100).unwrap()).0, b"it");
}

#[test]
fn whoever_waits_too_long_is_told_to_ask_again() {
    let mut lab = Lab::new();
    let [reader, writer] = lab.pipe(4);
    let read = lab.read(&reader, 10).unwrap_err();
    assert_eq!(lab.give_up(read), Err(Status::NotNow.into()));
    // With a time of its own it has read nothing.
    let read = lab.start(&reader, 4060, (50, 10, 0), &[]).unwrap_err();
    assert_eq!(bytes(lab.give_up(read)), (b"".to_vec(), false));
    lab.write(&writer, b"full").unwrap().unwrap();
    let write = lab.write(&writer, b"more").unwrap_err();
    assert_eq!(lab.give_up(write), Err(Status::NotNow.into()));
    assert_eq!(bytes(lab.read(&reader, 10).unwrap()).0, b"full");
    // Of a long one a part has gone.
    let write = lab.write(&writer, b"morethan").unwrap_err();
    assert_eq!(lab.give_up(write).unwrap().header.size, 4);
    assert_eq!(bytes(lab.read(&reader, 10).unwrap()).0, b"more");
}

#[test]
fn who_opens_one_side_waits_for_the_other() {
    let mut lab = Lab::new();
    let fifo = lab.create(0, Make::empty());
    let open = Command::Open.code();
    let early = lab
        .start(&fifo, open, (0, 0, Open::READ.bits()), &[])
        .unwrap_err();
    let reader = lab
        .start(&fifo, open, (0, 0, Open::READ.bits()), &[])
        .unwrap_err();
    assert_eq!(lab.give_up(early), Err(Status::NotNow.into()));
    let writer = lab.start(&fifo, open, (0, 0, Open::WRITE.bits()), &[]);
    let writer = capability(&writer.unwrap().unwrap());
    let reader = capability(&lab.answer(reader).unwrap().unwrap());
    lab.write(&writer, b"text").unwrap().unwrap();
    assert_eq!(bytes(lab.read(&reader, 10).unwrap()).0, b"text");
    // The one that was given up is not open.
    lab.close(&reader).unwrap();
    assert_eq!(lab.write(&writer, b"x"), Ok(Err(Own::NoReader.into())));
    // Who opens both sides waits for nobody.
    let both = (Open::READ | Open::WRITE).bits();
    assert!(lab.start(&fifo, open, (0, 0, both), &[]).is_ok());
}

#[test]
fn an_end_with_several_holders_is_closed_by_the_last() {
    let mut lab = Lab::new();
    let [reader, writer] = lab.pipe(0);
    lab.ask(&writer, Command::Share.code(), (0, 0, 0)).unwrap();
    lab.ask(&writer, Command::Share.code(), (0, 0, 2)).unwrap();
    let waiting = lab.read(&reader, 10).unwrap_err();
    for _ in 0..3 {
        lab.close(&writer).unwrap();
        assert_eq!(lab.answer(waiting), None);
    }
    lab.close(&writer).unwrap();
    assert_eq!(bytes(lab.answer(waiting).unwrap()), (b"".to_vec(), true));
    assert_eq!(lab.close(&writer), Err(Status::BadCapability.into()));
}

#[test]
fn what_waits_at_an_end_that_is_closed_is_over() {
    let mut lab = Lab::new();
    let [reader, writer] = lab.pipe(4);
    let read = lab.read(&reader, 10).unwrap_err();
    lab.close(&reader).unwrap();
    assert_eq!(lab.answer(read), Some(Err(Status::BadCapability.into())));
    assert_eq!(lab.write(&writer, b"x"), Ok(Err(Own::NoReader.into())));
}
