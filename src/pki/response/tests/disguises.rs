//! The right certificate as programs and printers leave it: escapes of other alphabets, word processors, pages.

use super::wrappings::base64;
use super::*;

#[test]
fn a_backslash_that_became_a_yen_sign() {
    let issued = issued();
    let pem = issued.leaf.to_pem();
    for text in [
        format!("{{\"証明書\":\"{}\"}}", pem.replace('\n', "¥n")),
        pem.replace('/', "¥/").replace('\n', "¥r¥n"),
        pem.replace('\n', "￥n"),
        pem.replace('\n', "＼n"),
        pem.replace('\n', "₩n"),
        format!("<p>{}</p>", pem.replace('\n', "&yen;n")),
        format!("\"{}\"", pem.replace('\n', "`r`n")),
    ] {
        issued.yields_leaf(text);
    }
    // As Shift_JIS has it, the yen sign is the backslash's byte.
    let (words, _, _) = encoding_rs::SHIFT_JIS.encode("証明書表示: ");
    issued.yields_leaf([&words[..], pem.replace('\n', "\\n").as_bytes()].concat());
}

#[test]
fn other_alphabets() {
    let issued = issued();
    let pem = issued.leaf.to_pem();
    let wide = |c: char| match c {
        '!'..='~' => char::from_u32(u32::from(c) + 0xfee0).unwrap(),
        other => other,
    };
    issued.yields_leaf(pem.chars().map(wide).collect::<String>());
    let utf7 = pem.replace('+', "+-").replace('=', "+AD0-");
    issued.yields_leaf(format!("Content-Type: text/plain; charset=utf-7\r\n\r\n+i/1mDg-\r\n{utf7}"));
}

#[test]
fn rich_text() {
    let issued = issued();
    let pem = issued.leaf.to_pem();
    let lines = |before: &str, after: &str| -> String {
        pem.lines().map(|line| format!("{before}{line}{after}")).collect()
    };
    for text in [
        format!("{{\\rtf1\\ansi\\ansicpg932{{\\fonttbl{{\\f0 MS;}}}}\\f0 {}}}", lines("", "\\line ")),
        format!("{{\\rtf1 {}}}", lines("", "\\par ")),
        format!("{{\\rtf1 {}}}", lines("", "\\par\\pard\\plain\\f0\\fs20 ")),
        format!("{{\\rtf1 {}}}", lines("{\\rtlch\\fcs1 \\af0 \\ltrch\\insrsid123 ", "\\par }")),
        format!("{{\\rtf1 {}}}", lines("{\\trowd\\intbl ", "\\cell\\row}\r\n")),
        format!("{{\\rtf1 \\'8f\\'d8\\u-29999? {}}}", base64(issued.leaf.der()).replace('+', "{}+")),
    ] {
        issued.yields_leaf(text);
    }
}

#[test]
fn a_difference_between_files() {
    let issued = issued();
    let pem = issued.leaf.to_pem();
    let added: String = pem.lines().map(|line| format!("+{line}\n")).collect();
    issued.yields_leaf(format!("--- /dev/null\n+++ b/user.pem\n@@ -0,0 +1,20 @@\n{added}"));
    issued.yields_leaf(added.replace('\n', "\r\n"));
    issued.yields_leaf(format!("+{}", wrapped(&base64(issued.leaf.der()), 64, "\n+")));
}

#[test]
fn escapes_of_sixteen_bits() {
    let issued = issued();
    let pem = issued.leaf.to_pem();
    for text in [
        pem.chars().map(|c| format!("%u{:04x}", u32::from(c))).collect::<String>(),
        pem.replace('\n', "%u000A").replace('+', "%u002b").replace('/', "%u002f").replace('=', "%u003D"),
        format!("%u8a3c%u660e%u66f8: {}", pem.replace('\n', "%0D%0A").replace('+', "%2B")),
        format!("100%u {}", pem.replace('\n', "%u000a")),
    ] {
        issued.yields_leaf(text);
    }
}

#[test]
fn entities_without_a_semicolon() {
    let issued = issued();
    let pem = issued.leaf.to_pem();
    for text in [
        pem.replace('\n', "&#10 "),
        format!("<p>A&amp B&nbsp{}</p>", pem.replace('=', "&#61").replace('\n', "&#xa\n")),
        pem.replace('\n', "&#13&#10\t").replace('/', "&sol;"),
        pem.replace('=', "&#X3D").replace('+', "&#43;").replace('/', "&#x2f;"),
        format!("<p>{}</p>", pem.replace('\n', "&yenn")),
    ] {
        issued.yields_leaf(text);
    }
    assert_eq!(
        crate::pki::response::markup::without_entities("&#x &#; &#+5 & &lt"),
        Some("&#x &#; &#+5 & <".to_owned())
    );
    // A line break before a line that begins with 5, or an i? A plus before a 1?
    assert_eq!(crate::pki::response::markup::without_entities("a&#105b &#431 &#x2b1"), None);
}

#[test]
fn files_put_together() {
    let issued = issued();
    let (pem, der) = (issued.leaf.to_pem(), issued.leaf.der());
    let (ca, ca_pem) = (issued.chain[0].der(), issued.chain[0].to_pem());
    let words = "証明書を送ります\r\n".as_bytes();
    let (shift_jis, _, _) = encoding_rs::SHIFT_JIS.encode("証明書0の0は次のとおり。\n");
    for parts in [
        [ca_pem.as_bytes(), der].concat(),
        [der, ca_pem.as_bytes()].concat(),
        [ca, pem.as_bytes()].concat(),
        [ca, &[0; 300], der, &[0xff; 20]].concat(),
        [words, ca, b"\r\n", der].concat(),
        [&shift_jis[..], der].concat(),
        // The store of a program: numbers between the certificates.
        [b"\0\0\0\0CERT", &[0x20, 0, 0, 0, 1, 0, 0, 0][..], ca, &[3, 0, 0, 0, 1, 0], der, &[0; 12]].concat(),
    ] {
        issued.yields_leaf(parts);
    }
}

#[test]
fn pages_and_scripts_between_the_lines() {
    let issued = issued();
    let body = wrapped(&base64(issued.leaf.der()), 64, "\n");
    let lines: Vec<&str> = body.lines().collect();
    let (above, below) = (lines[..5].join("\n"), lines[5..].join("\n"));
    let last = lines.len() - 1;
    for text in [
        format!("{above}\n\n\u{c}\nPage 2 of 3\n\n{below}"),
        format!("{above}\nPAGE\n{below}\nEND\n"),
        format!("{above}\n- 2 / 3 -\n　2026年11月27日 証明書\n\u{c}{below}"),
        format!("{above}\r\n----------\r\n{below}"),
        format!("> {}\n> \n> 2/3\n> {}", above.replace('\n', "\n> "), below.replace('\n', "\n> ")),
        format!("{}\nPage 9\n{}\n", lines[..last].join("\n"), lines[last]),
        format!(
            "<pre>{above}\n</pre><script>track(1 < 2)</script><style>p > a {{}}</style><pre>{below}</pre>"
        ),
        format!("{above}!\r\n {below}"),
    ] {
        issued.yields_leaf(text);
    }
    let sub = wrapped(&base64(issued.chain[0].der()), 64, "\n");
    issued.yields_leaf(format!("{sub}\nPage 1\n{above}\nPage 2\n{below}\nPage 3\n"));
}

#[test]
fn all_lines_on_one() {
    let issued = issued();
    let pem = issued.leaf.to_pem();
    for between in [";", "|", ", ", "\";\""] {
        issued.yields_leaf(pem.trim_end().replace('\n', between));
    }
}

#[test]
fn marked_text_and_comments() {
    let issued = issued();
    let line = base64(issued.leaf.der());
    let (begin, end) = line.split_at(101);
    for text in [
        format!("<x><![CDATA[{begin}]]><![CDATA[{end}]]></x>"),
        format!("<x><![CDATA[{begin}]]>\n  <![CDATA[{end}]]></x>"),
        format!("<x>{begin}<![CDATA[{end}]]></x>"),
        format!("<x>{begin}<!-- page 1 > 2 -->{end}</x>"),
        format!("<x><![CDATA[{begin}]]><!-- ]]> --><?page 2 > 1?><![CDATA[{end}]]></x>"),
        format!("<x><![CDATA[<p>{begin}<br>{end}</p>]]></x>"),
        format!("<x><![CDATA[{line}"),
    ] {
        issued.yields_leaf(text);
    }
}

#[test]
fn marks_without_an_end_cost_little() {
    let issued = issued();
    let pem = issued.leaf.to_pem();
    for mark in ["<!--", "<![CDATA[", "<a", "{\\rtf1\\", "+A", "¥", "<script"] {
        let start = std::time::Instant::now();
        Response::parse((mark.repeat((1 << 20) / mark.len()) + "\n" + &pem).as_bytes()).unwrap();
        assert!(start.elapsed() < std::time::Duration::from_secs(90), "{mark}: {:?}", start.elapsed());
    }
}

/// What looks like ASN.1 all over must not use up the work before the certificate's turn comes.
#[test]
fn noise_before_the_certificate() {
    let issued = issued();
    let noise = base64([0x30, 0x82, 4, 0, 0x30, 0x80].repeat(20_000));
    let text = format!("{}\n\n{}", wrapped(&noise, 76, "\n"), issued.leaf.to_pem());
    assert_eq!(Response::parse(text.as_bytes()).unwrap().leaf_for(&issued.key), Some(&issued.leaf));
}
