//! The TCP connection to the server, through a proxy where there is one.

use std::io::{self, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::address::{Address, Proxy, bracketed};
use super::http::Head;
use super::line::{Limit, Line};
use super::trouble::Trouble;

/// How long one of a host's addresses may take: another may be reachable.
const ONE_ADDRESS: Duration = Duration::from_secs(10);

/// Connects to the server.
pub(super) fn connect(to: &Address, proxy: Option<&Proxy>, limit: &Limit) -> Result<Line, Trouble> {
    let Some(proxy) = proxy else { return reach(&to.host, to.port, limit) };
    let mut line = reach(&proxy.host, proxy.port, limit).map_err(|trouble| match trouble {
        Trouble::Unreachable(why) => Trouble::ProxyUnreachable(why),
        other => other,
    })?;
    let authority = format!("{}:{}", bracketed(&to.host), to.port);
    let request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
    let asked = line.write_all(request.as_bytes()).map_err(Trouble::from);
    match asked.and_then(|()| Head::read(&mut line)) {
        Ok(head) if (200..300).contains(&head.status) => Ok(line),
        Ok(head) => Err(Trouble::ProxyRefused(head.line)),
        Err(Trouble::NotHttp(first)) => Err(Trouble::ProxyRefused(first)),
        Err(Trouble::Closed) => Err(Trouble::ProxyRefused(String::new())),
        Err(trouble) => Err(trouble),
    }
}

fn reach(host: &str, port: u16, limit: &Limit) -> Result<Line, Trouble> {
    let unreachable = |error: &io::Error| Trouble::Unreachable(error.to_string());
    let addresses = (host, port).to_socket_addrs().map_err(|error| unreachable(&error))?;
    let mut refused = None;
    for address in addresses {
        let left = limit.left()?.min(ONE_ADDRESS);
        match TcpStream::connect_timeout(&address, left) {
            Ok(stream) => {
                // One message goes each way; without it a system may wait to fill a packet.
                let _ = stream.set_nodelay(true);
                return Ok(Line::new(stream, limit.clone()));
            }
            Err(error) => refused = Some(error),
        }
    }
    limit.left()?;
    match refused {
        Some(error) => Err(unreachable(&error)),
        None => Err(Trouble::Unreachable(host.to_owned())),
    }
}
