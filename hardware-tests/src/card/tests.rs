use super::*;

const PIN: &str = "123456";

fn card() -> Card {
    Card::new(PIN, "USBTOKEN001")
}

fn status(answer: &[u8]) -> u16 {
    u16::from_be_bytes(*answer.last_chunk().expect("a status"))
}

fn log_in(card: &mut Card) {
    let verify = [&[0x00, 0x20, 0x00, 0x81, 6], PIN.as_bytes()].concat();
    assert_eq!(status(&card.answer(&verify)), 0x9000);
}

#[test]
fn lengths_are_short_or_extended() {
    let command = |bytes| Command::parse(bytes).map(|command| (command.data.to_vec(), command.expected));
    assert_eq!(command(&[0, 0xa4, 4, 0]), Some((vec![], 0)));
    assert_eq!(command(&[0, 0x84, 0, 0, 8]), Some((vec![], 8)));
    assert_eq!(command(&[0, 0x84, 0, 0, 0]), Some((vec![], 256)));
    assert_eq!(command(&[0, 0xa4, 4, 0, 2, 1, 2]), Some((vec![1, 2], 0)));
    assert_eq!(command(&[0, 0xa4, 4, 0, 2, 1, 2, 0]), Some((vec![1, 2], 256)));
    assert_eq!(command(&[0, 0x58, 0, 0, 0, 0, 0]), Some((vec![], 65536)));
    assert_eq!(command(&[0, 0x68, 0, 0, 0, 0, 2, 1, 2]), Some((vec![1, 2], 0)));
    assert_eq!(command(&[0, 0x68, 0, 0, 0, 0, 2, 1, 2, 2, 0]), Some((vec![1, 2], 512)));
    assert_eq!(command(&[0, 0xa4, 4]), None);
    assert_eq!(command(&[0, 0xa4, 4, 0, 3, 1, 2]), None);
}

#[test]
fn three_wrong_pins_block_the_card() {
    let mut card = card();
    let ask = [0x00, 0x20, 0x00, 0x81];
    let wrong = [&[0x00, 0x20, 0x00, 0x81, 6], "654321".as_bytes()].concat();
    assert_eq!(status(&card.answer(&ask)), 0x63c3);
    assert_eq!(status(&card.answer(&wrong)), 0x63c2);
    log_in(&mut card);
    assert_eq!(status(&card.answer(&ask)), 0x9000, "verified");
    let tries: Vec<u16> = (0..4).map(|_| status(&card.answer(&wrong))).collect();
    assert_eq!(tries, [0x63c2, 0x63c1, 0x6983, 0x6983]);
    let right = [&[0x00, 0x20, 0x00, 0x81, 6], PIN.as_bytes()].concat();
    assert_eq!(status(&card.answer(&right)), 0x6983);
}

#[test]
fn nothing_is_written_or_signed_before_the_pin() {
    let mut card = card();
    let write = [0x00, 0xd7, 0xce, 0x01, 7, 0x54, 2, 0, 0, 0x53, 1, 0xaa];
    for command in [&write[..], &[0x00, 0xe4, 2, 0, 2, 0x2f, 2], &[0x80, 0x68, 1, 0x70, 1, 0]] {
        assert_eq!(status(&card.answer(command)), 0x6982, "{command:02x?}");
    }
    log_in(&mut card);
    assert_eq!(status(&card.answer(&write)), 0x9000);
    let read = [0x00, 0xb1, 0x00, 0x00, 4, 0x54, 2, 0, 0, 0];
    assert_eq!(card.answer(&read), [0xaa, 0x90, 0x00]);
    // The device's own key is listed, and stays.
    assert_eq!(card.answer(&[0x80, 0x58, 0, 0, 0]), [0xcc, 0, 0x2f, 2, 0xce, 1, 0x90, 0]);
    assert_eq!(status(&card.answer(&[0x00, 0xe4, 2, 0, 2, 0xcc, 0])), 0x6982);
    card.reset();
    assert_eq!(status(&card.answer(&write)), 0x6982, "a reset forgets the PIN");
}

#[test]
fn tags_and_lengths_of_one_and_two_bytes() {
    let long = tlv::of(0x7f21, &[7; 300]);
    assert_eq!(long[..5], [0x7f, 0x21, 0x82, 0x01, 0x2c]);
    let both = [tlv::of(0x42, &[1; 200]), long].concat();
    assert_eq!(tlv::find(&both, 0x7f21), Some(&[7; 300][..]));
    assert_eq!(tlv::find(&both, 0x42), Some(&[1; 200][..]));
    assert_eq!(tlv::find(&both, 0x43), None);
    assert_eq!(tlv::find(&both[..100], 0x42), None, "cut");
}
