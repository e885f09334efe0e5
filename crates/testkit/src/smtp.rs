//! A mail server on loopback: keeps what it is given, misbehaves on request, and can put TLS in front (by `openssl`).

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::tls::Certificates;

/// One mail as it was handed over.
#[derive(Debug, Clone)]
pub struct Mail {
    pub from: String,
    /// The envelope's receivers.
    pub to: Vec<String>,
    /// User and password, when the client logged in.
    pub login: Option<(String, String)>,
    pub was_encrypted: bool,
    /// Headers and body, line ends as they came, leading dots undone.
    pub data: String,
}

/// One part of a mail, decoded.
#[derive(Debug, Clone)]
pub struct Part {
    pub content_type: String,
    /// The file name of an attachment.
    pub name: Option<String>,
    pub bytes: Vec<u8>,
}

impl Part {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).replace("\r\n", "\n")
    }
}

impl Mail {
    /// A header by its name, unfolded and decoded.
    pub fn header(&self, name: &str) -> Option<String> {
        headers(&self.data).0.get(&name.to_lowercase()).map(|value| decoded_words(value))
    }

    /// Every part that is no container, in order.
    pub fn parts(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        split(&self.data, &mut parts);
        parts
    }

    /// The text of the first part of a type, e.g. `text/plain`.
    pub fn text_of(&self, content_type: &str) -> Option<String> {
        self.parts().iter().find(|p| p.name.is_none() && p.content_type.starts_with(content_type)).map(Part::text)
    }

    pub fn attachment(&self, name: &str) -> Option<Part> {
        self.parts().into_iter().find(|part| part.name.as_deref() == Some(name))
    }
}

/// How to fail, at the command whose name is given beside it (`MAIL`, `RCPT`, `DATA`, `AUTH`, `.` for the end of the message, or
/// `CONNECT`).
#[derive(Debug, Clone)]
pub enum MailTrouble {
    /// An answer with this number.
    Answer(u16),
    /// The connection ends without a word.
    HangUp,
    /// No answer at all.
    Silence,
}

struct Rule {
    command: String,
    /// Only for lines that contain this, e.g. one receiver.
    part: String,
    trouble: MailTrouble,
    left: Option<usize>,
}

#[derive(Default)]
struct State {
    mails: Vec<Mail>,
    rules: Vec<Rule>,
    said: Vec<String>,
    connections: usize,
    login: Option<(String, String)>,
}

/// The server; it ends with the runtime of the test.
#[derive(Clone)]
pub struct FakeMailServer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    starttls: Option<Arc<Certificates>>,
}

impl FakeMailServer {
    /// In the clear, taking mail from anyone.
    pub async fn start() -> Self {
        Self::serve(None, None).await
    }

    /// Offers STARTTLS with a certificate of its own authority.
    pub async fn with_starttls(certificates: Arc<Certificates>) -> Self {
        Self::serve(Some(certificates), None).await
    }

    /// Speaks TLS from the first byte.
    pub async fn with_tls(certificates: Arc<Certificates>) -> Self {
        Self::serve(None, Some(certificates)).await
    }

    async fn serve(starttls: Option<Arc<Certificates>>, tls: Option<Arc<Certificates>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let server = Self { address, state: Arc::default(), starttls };
        let accepting = server.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (server, tls) = (accepting.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => server.plain_session(socket).await,
                        Some(certificates) => server.encrypted_session(socket, &certificates, true).await,
                    }
                });
            }
        });
        server
    }

    /// `127.0.0.1:port`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes mail only after this login.
    pub fn require_login(&self, user: &str, password: &str) {
        self.lock().login = Some((user.to_owned(), password.to_owned()));
    }

    /// Fails at a command whose line contains `part` (empty for any): the next `times`, or always.
    pub fn misbehave(&self, command: &str, part: &str, trouble: MailTrouble, times: Option<usize>) {
        let rule = Rule { command: command.to_owned(), part: part.to_owned(), trouble, left: times };
        self.lock().rules.push(rule);
    }

    pub fn behave(&self) {
        self.lock().rules.clear();
    }

    /// The mails taken so far.
    pub fn mails(&self) -> Vec<Mail> {
        self.lock().mails.clone()
    }

    /// Every line a client said outside of messages.
    pub fn said(&self) -> Vec<String> {
        self.lock().said.clone()
    }

    pub fn connections(&self) -> usize {
        self.lock().connections
    }

    pub fn forget(&self) {
        let mut state = self.lock();
        state.mails.clear();
        state.said.clear();
        state.connections = 0;
    }

    fn trouble(&self, command: &str, line: &str) -> Option<MailTrouble> {
        let mut state = self.lock();
        let rule = state
            .rules
            .iter_mut()
            .find(|rule| rule.left != Some(0) && rule.command == command && line.contains(&rule.part))?;
        rule.left = rule.left.map(|left| left - 1);
        Some(rule.trouble.clone())
    }

    async fn plain_session(&self, socket: TcpStream) {
        let (reader, writer) = socket.into_split();
        let mut reader = BufReader::new(reader);
        let mut writer = writer;
        let end = self.session(&mut reader, &mut writer, false, true).await;
        if let (End::StartTls, Some(certificates)) = (end, self.starttls.clone())
            && let Ok(socket) = reader.into_inner().reunite(writer)
        {
            self.encrypted_session(socket, &certificates, false).await;
        }
    }

    /// Puts `openssl` between the socket and a session.
    async fn encrypted_session(&self, mut socket: TcpStream, certificates: &Certificates, greets: bool) {
        let (mut outside, inner) = certificates.terminator().await;
        let server = self.clone();
        let session = tokio::spawn(async move {
            let (reader, mut writer) = inner;
            server.session(&mut BufReader::new(reader), &mut writer, true, greets).await;
        });
        let _ = tokio::io::copy_bidirectional(&mut socket, &mut outside).await;
        session.abort();
    }

    async fn session(
        &self,
        reader: &mut BufReader<impl AsyncRead + Unpin>,
        writer: &mut (impl AsyncWrite + Unpin),
        is_encrypted: bool,
        greets: bool,
    ) -> End {
        if greets {
            self.lock().connections += 1;
        }
        let mut mail =
            Mail { from: String::new(), to: Vec::new(), login: None, was_encrypted: is_encrypted, data: String::new() };
        let mut line = String::new();
        if greets {
            match self.trouble("CONNECT", "") {
                None => say(writer, "220 fake").await,
                Some(trouble) => {
                    if misbehaved(writer, &trouble).await {
                        return End::Over;
                    }
                }
            }
        }
        loop {
            line.clear();
            if reader.read_line(&mut line).await.unwrap_or(0) == 0 {
                return End::Over;
            }
            let text = line.trim_end().to_owned();
            self.lock().said.push(text.clone());
            let command = text.split([' ', ':']).next().unwrap_or("").to_uppercase();
            if let Some(trouble) = self.trouble(&command, &text) {
                if misbehaved(writer, &trouble).await {
                    return End::Over;
                }
                continue;
            }
            match command.as_str() {
                "EHLO" | "HELO" => {
                    let mut offers = "250-fake\r\n".to_owned();
                    if self.starttls.is_some() && !is_encrypted {
                        offers.push_str("250-STARTTLS\r\n");
                    }
                    offers.push_str("250-AUTH PLAIN\r\n250 8BITMIME");
                    say(writer, &offers).await;
                }
                "STARTTLS" if self.starttls.is_some() && !is_encrypted => {
                    say(writer, "220 go on").await;
                    return End::StartTls;
                }
                "AUTH" => {
                    let known = self.lock().login.clone();
                    let given = text.split(' ').nth(2).and_then(|text| BASE64.decode(text).ok());
                    let given = given.and_then(|bytes| {
                        let text = String::from_utf8(bytes).ok()?;
                        let mut words = text.split('\0').skip(1).map(str::to_owned);
                        Some((words.next()?, words.next()?))
                    });
                    if known.is_none() || given == known {
                        mail.login = given;
                        say(writer, "235 welcome").await;
                    } else {
                        say(writer, "535 wrong name or password").await;
                    }
                }
                "MAIL" if self.lock().login.is_some() && mail.login.is_none() => {
                    say(writer, "530 log in first").await;
                }
                "MAIL" => {
                    (mail.from, mail.to) = (address(&text), Vec::new());
                    say(writer, "250 fine").await;
                }
                "RCPT" => {
                    mail.to.push(address(&text));
                    say(writer, "250 fine").await;
                }
                "DATA" => {
                    say(writer, "354 go on").await;
                    let Some(data) = message(reader).await else { return End::Over };
                    if let Some(trouble) = self.trouble(".", "") {
                        if misbehaved(writer, &trouble).await {
                            return End::Over;
                        }
                        continue;
                    }
                    mail.data = data;
                    self.lock().mails.push(mail.clone());
                    say(writer, "250 taken").await;
                }
                "QUIT" => {
                    say(writer, "221 bye").await;
                    return End::Over;
                }
                "RSET" | "NOOP" => say(writer, "250 fine").await,
                _ => say(writer, "500 what?").await,
            }
        }
    }
}

enum End {
    Over,
    StartTls,
}

async fn say(writer: &mut (impl AsyncWrite + Unpin), line: &str) {
    let _ = writer.write_all(format!("{line}\r\n").as_bytes()).await;
    let _ = writer.flush().await;
}

/// Whether the connection is over.
async fn misbehaved(writer: &mut (impl AsyncWrite + Unpin), trouble: &MailTrouble) -> bool {
    match trouble {
        MailTrouble::Answer(number) => {
            say(writer, &format!("{number} sorry")).await;
            false
        }
        MailTrouble::HangUp => true,
        MailTrouble::Silence => std::future::pending().await,
    }
}

/// Up to the line with a single dot.
async fn message(reader: &mut BufReader<impl AsyncRead + Unpin>) -> Option<String> {
    let mut data = Vec::new();
    loop {
        let mut line = Vec::new();
        if reader.read_until(b'\n', &mut line).await.unwrap_or(0) == 0 {
            return None;
        }
        if line == b".\r\n" {
            return Some(String::from_utf8_lossy(&data).into_owned());
        }
        data.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
    }
}

fn address(line: &str) -> String {
    line.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or("", |(address, _)| address).to_owned()
}

/// Headers by lower-case name, unfolded, and where the body begins.
fn headers(data: &str) -> (BTreeMap<String, String>, &str) {
    let (head, body) = data.split_once("\r\n\r\n").unwrap_or((data, ""));
    let mut headers = BTreeMap::new();
    let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    for line in unfolded.split("\r\n") {
        if let Some((name, value)) = line.split_once(':') {
            headers.insert(name.trim().to_lowercase(), value.trim().to_owned());
        }
    }
    (headers, body)
}

/// A parameter of a header, whole or in numbered pieces (RFC 2231).
fn parameter(value: &str, name: &str) -> Option<String> {
    whole_parameter(value, name).or_else(|| {
        let pieces: String = (0..).map_while(|n| whole_parameter(value, &format!("{name}*{n}"))).collect();
        (!pieces.is_empty()).then_some(pieces)
    })
}

fn whole_parameter(value: &str, name: &str) -> Option<String> {
    value.split(';').skip(1).find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key.trim().eq_ignore_ascii_case(name)).then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn split(data: &str, parts: &mut Vec<Part>) {
    let (headers, body) = headers(data);
    let content_type = headers.get("content-type").cloned().unwrap_or_else(|| "text/plain".to_owned());
    if let Some(boundary) = parameter(&content_type, "boundary") {
        let fence = format!("--{boundary}");
        for piece in body.split(&fence).skip(1) {
            if piece.starts_with("--") {
                break;
            }
            let piece = piece.strip_prefix("\r\n").unwrap_or(piece);
            split(piece.strip_suffix("\r\n").unwrap_or(piece), parts);
        }
        return;
    }
    let bytes = match headers.get("content-transfer-encoding").map(|name| name.to_lowercase()).as_deref() {
        Some("base64") => {
            let text: String = body.chars().filter(|c| !c.is_whitespace()).collect();
            BASE64.decode(text).expect("base64 in a part")
        }
        Some("quoted-printable") => quoted_printable(body),
        _ => body.as_bytes().to_vec(),
    };
    let name = headers.get("content-disposition").and_then(|value| parameter(value, "filename"));
    parts.push(Part { content_type, name, bytes });
}

fn quoted_printable(text: &str) -> Vec<u8> {
    let text = text.replace("=\r\n", "");
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'=').then(|| text.get(at + 1..at + 3)).flatten();
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    out
}

/// `=?utf-8?b?…?=` and `=?utf-8?q?…?=` of RFC 2047.
fn decoded_words(value: &str) -> String {
    let mut out = String::new();
    let mut rest = value;
    let mut was_encoded = false;
    while let Some(at) = rest.find("=?") {
        let (before, word) = rest.split_at(at);
        let mut pieces = word[2..].splitn(4, '?');
        let (Some(_), Some(how), Some(text), Some(tail)) = (pieces.next(), pieces.next(), pieces.next(), pieces.next())
        else {
            break;
        };
        // Blanks between two encoded words are no text.
        if !(was_encoded && before.trim().is_empty()) {
            out.push_str(before);
        }
        let bytes = if how.eq_ignore_ascii_case("b") {
            BASE64.decode(text).unwrap_or_default()
        } else {
            quoted_printable(&text.replace('_', " "))
        };
        out.push_str(&String::from_utf8_lossy(&bytes));
        rest = tail.strip_prefix('=').unwrap_or(tail);
        was_encoded = true;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_headers_are_read_back() {
        let data = "Subject: =?utf-8?b?R3LDvMOfZQ==?= =?utf-8?q?_a=3Db?=\r\nContent-Type: multipart/mixed;\r\n boundary=\"x\"\r\n\r\n--x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nfive =E2=82=AC, a=\r\nb\r\n--x\r\nContent-Type: text/csv\r\nContent-Disposition: attachment; filename=\"a.csv\"\r\nContent-Transfer-Encoding: base64\r\n\r\nYSxiCjEsMgo=\r\n--x--\r\n";
        let mail =
            Mail { from: String::new(), to: Vec::new(), login: None, was_encrypted: false, data: data.to_owned() };
        assert_eq!(mail.header("Subject").as_deref(), Some("Grüße a=b"));
        assert_eq!(mail.text_of("text/plain").as_deref(), Some("five €, ab"));
        assert_eq!(mail.attachment("a.csv").expect("there").text(), "a,b\n1,2\n");
    }
}
