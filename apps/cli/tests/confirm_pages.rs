//! What `usbtoken confirm` takes for a login, by the pages that a server leads to, and how its last word is heard.

mod common;

use common::login::{confirm, confirm_at, nothing_changed, renewed};
use common::{Stage, servers};
use usbtoken_testkit::{Kind, TestCa};

/// Everybody may try; those with a certificate are led to the first of these, those without to the second.
fn leads(with: &str, without: &str) -> String {
    format!(
        "ssl_verify_client optional; location / {{ return 200; }}
         location = /login {{ if ($ssl_client_verify = SUCCESS) {{ {with} }} {without} }}"
    )
}

#[test]
fn a_redirection_alone_is_no_login() {
    let stage = renewed(Kind::P256);
    let before = stage.token.snapshot();
    let everybody = |to: &str| leads(to, to);
    for (lines, name) in [
        (everybody("return 302 \"/menu;jsessionid=$request_id\";"), "login_not_demanded"),
        (everybody("return 302 \"/menu?t=$request_id\";"), "login_not_demanded"),
        (everybody("return 302 /s/$request_id/menu;"), "login_led_on"),
        (leads("return 302 /certerror;", "return 302 /please;"), "login_led_on"),
        (leads("return 302 /certerror;", "return 403;"), "login_led_on"),
        (leads("add_header Refresh \"0; url=/certerror\"; return 200;", "return 403;"), "login_led_on"),
        (leads("add_header Refresh \"5 /certerror\"; return 200;", "return 403;"), "login_led_on"),
        (
            "ssl_verify_client on; location / { return 200; } location = /login { return 302 /certerror; }"
                .to_owned(),
            "login_led_on",
        ),
    ] {
        let server = servers::nginx(&stage, &lines);
        let error = confirm(&stage, &server, &[]).failed(name, 12);
        if name == "login_led_on" {
            assert_eq!(error["facts"]["expected"][0], server.url("/login"), "{error:#}");
            assert!(error["hint"].as_str().unwrap().contains("--after-login"), "{error:#}");
        }
    }
    nothing_changed(&stage, &before);
}

#[test]
fn the_page_after_the_login_can_be_named() {
    let stage = renewed(Kind::P256);
    let session = "return 302 \"/menu;jsessionid=$request_id?t=$request_id\";";
    for (lines, page, failure) in [
        (leads(session, "return 302 /please;"), "/menu", None),
        (leads(session, "return 403;"), "/menu", None),
        (leads("return 302 /index?page=menu;", "return 302 /index?page=please;"), "/index?page=menu", None),
        (leads(session, session), "/menu", Some("login_not_demanded")),
        (leads("return 302 /index?page=no;", "return 403;"), "/index?page=menu", Some("login_led_on")),
        (leads("return 302 /certerror;", "return 302 /please;"), "/menu", Some("login_led_on")),
        (leads("return 200;", "return 403;"), "/menu", Some("login_led_on")),
    ] {
        let server = servers::nginx(&stage, &lines);
        let done = confirm(&stage, &server, &["--after-login", &server.url(page)]);
        match failure {
            None => drop(done.succeeded()),
            Some(name) => drop(done.failed(name, 12)),
        }
        let other = ["--after-login", "https://other.example/menu"];
        confirm(&stage, &server, &other).failed("login_url_unusable", 2);
    }
}

/// Servers write one address in many ways, and it is the page that is named all the same.
#[test]
fn a_page_is_known_however_its_address_is_written() {
    let stage = renewed(Kind::P256);
    let menu = "/メニュー";
    let page = "/%e3%83%a1%E3%83%8B%E3%83%A5%E3%83%BC";
    for (to, named, failure) in [
        ("return 302 ../menu;", "/menu", None),
        ("return 302 /app/login/../../menu;", "/menu", None),
        ("return 302 /app/%2e%2E/%6d%65nu?t=1#top;", "/menu", None),
        ("return 302 ./menu;", "/app/../%6denu", None),
        (&format!("return 302 {menu};"), page, None),
        ("add_header Refresh \"0; url=/menu\"; return 200;", "/menu", None),
        ("add_header Refresh \"3 URL='app/../menu'\"; return 200;", "/menu", None),
        ("return 302 /menu/../certerror;", "/menu", Some("login_led_on")),
        ("return 302 \"/menu/..;/certerror\";", "/menu", Some("login_led_on")),
        ("return 302 /menu%2fx;", "/menu", Some("login_led_on")),
        ("return 302 \"//menu/../menu\";", "/menu", Some("login_led_on")),
    ] {
        let server = servers::nginx(&stage, &leads(to, "return 403;"));
        let done = confirm(&stage, &server, &["--after-login", &server.url(named)]);
        match failure {
            None => drop(done.succeeded()),
            Some(name) => drop(done.failed(name, 12)),
        }
    }
    // A page that ends its session some day, or shows itself anew, leads nobody on.
    for refresh in ["900; url=/logout", "30", "0; url=/login"] {
        let shown = format!("add_header Refresh \"{refresh}\"; return 200;");
        let server = servers::nginx(&stage, &leads(&shown, "return 403;"));
        confirm(&stage, &server, &[]).succeeded();
    }
}

/// Who closes a connection with something unread resets it. What was said before is heard all the same.
#[test]
fn an_alert_is_heard_though_the_connection_was_reset() {
    let stage = renewed(Kind::P256);
    drop(TestCa::at(&stage.file("other")));
    let refusing = servers::python(&stage, "TLSv1_2", "other/root.pem");
    stage.write("clients.pem", &[stage.read("ca/ca.pem"), stage.read("ca/root.pem")].concat());
    let server = servers::python(&stage, "TLSv1_2", "clients.pem");
    for _ in 0..8 {
        let error = confirm(&stage, &refusing, &[]).failed("login_refused", 12);
        assert_eq!(error["facts"]["alert"][0], "unknown_ca", "{error:#}");
        confirm(&stage, &server, &[]).succeeded();
    }
}

#[test]
fn a_server_that_is_slow_is_told_as_slow() {
    let stage: Stage = renewed(Kind::P256);
    stage.write("clients.pem", &[stage.read("ca/ca.pem"), stage.read("ca/root.pem")].concat());
    let server = servers::python(&stage, "TLSv1_3", "clients.pem");
    confirm_at(&stage, &server.url("/slow"), &["--timeout", "3"]).failed("login_timeout", 12);
}
