//! The forms for services of machines that are no nodes.

use axum::extract::Multipart;
use axum::extract::multipart::{Field, MultipartError, MultipartRejection};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::{Typed, go};
use crate::http::acts::Failure;
use crate::http::acts::foreign as acts;
use crate::http::context::{Form, Wrong, WrongFile};
use crate::http::pages;
use crate::http::session::Visit;
use crate::node::command::Refusal;
use crate::node::community::Foreign;
use crate::node::rights::Right;

const PAGE: &str = "/community/machines";
/// As much as the API takes for the same.
const RECORDS_LIMIT_BYTES: usize = 64_000;
/// What is too large is read to its end all the same, up to here: a browser that is cut off shows no answer.
pub(super) const UPLOAD_LIMIT_BYTES: usize = 4 * 1024 * 1024;

const TOO_LARGE: WrongFile = WrongFile::TooLarge { limit: RECORDS_LIMIT_BYTES as u64 };

/// The page again, with what is wrong; or on to it where nothing is.
fn then(visit: &Visit, form: Form, done: Result<(), Failure>) -> Response {
    let Err(failure) = done else { return go(PAGE) };
    if let Err(refusal) = visit.must(Right::Node) {
        return refusal;
    }
    match failure {
        Failure::Refused(refusal @ (Refusal::SignInFirst | Refusal::NotAllowed | Refusal::NoSuch)) => {
            visit.refused(&refusal)
        }
        failure => {
            let mut form = form;
            failure.mark(&mut form);
            pages::foreign(&visit.context, &form).into_response()
        }
    }
}

pub(super) async fn offer(mut visit: Visit, typed: Typed) -> Response {
    let host = typed.get("host").trim().to_lowercase();
    // As it stands in the address of a page.
    let bare = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(&host);
    let service = Foreign {
        kind: typed.get("type").trim().to_lowercase(),
        title: typed.get("title").trim().to_owned(),
        host: bare.to_owned(),
        // What is no number is no port.
        port: typed.get("port").trim().parse().unwrap_or(0),
        txt: [].into(),
        zone: None,
    };
    let done = acts::offer(&mut visit, service).await;
    then(&visit, typed.form(), done)
}

pub(super) async fn withdraw(mut visit: Visit, typed: Typed) -> Response {
    let port = typed.get("port").parse().unwrap_or(0);
    let done = acts::withdraw(&mut visit, typed.get("type"), typed.get("host"), port).await;
    then(&visit, Form::default(), done)
}

/// Either a file or a text.
pub(super) async fn import(mut visit: Visit, parts: Result<Multipart, MultipartRejection>) -> Response {
    // Nothing is read from whoever may not.
    if let Err(refusal) = visit.must(Right::Node) {
        return refusal;
    }
    let Ok(parts) = parts else { return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response() };
    let Records { file, text } = match Records::read(parts).await {
        Ok(records) => records,
        Err(broken) => return broken.into_response(),
    };
    let (records, done) = match choose(file, &text) {
        Ok(records) => {
            let done = acts::import(&mut visit, &records).await;
            (records, done)
        }
        Err(wrong) => (text, Err(Failure::field("records", Wrong::File(wrong)))),
    };
    // What stood in a file can be mended as text: no page can choose the file again.
    let values = [("records".to_owned(), records)].into();
    then(&visit, Form { values, ..Form::default() }, done)
}

/// The one of the two that there is.
fn choose(file: Result<String, WrongFile>, text: &str) -> Result<String, WrongFile> {
    let file = file?;
    match (file.is_empty(), text.trim().is_empty()) {
        (true, true) => Err(WrongFile::Missing),
        (false, false) => Err(WrongFile::Both),
        (false, true) => Ok(file),
        (true, false) if text.len() > RECORDS_LIMIT_BYTES => Err(TOO_LARGE),
        (true, false) => Ok(text.to_owned()),
    }
}

/// What was sent of records; empty where there was nothing.
struct Records {
    file: Result<String, WrongFile>,
    text: String,
}

impl Records {
    async fn read(mut parts: Multipart) -> Result<Self, MultipartError> {
        let mut records = Self { file: Ok(String::new()), text: String::new() };
        loop {
            match records.take(&mut parts).await {
                Ok(true) => {}
                Ok(false) => return Ok(records),
                Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                    records.file = Err(TOO_LARGE);
                    return Ok(records);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The next part of the form, where there is one.
    async fn take(&mut self, parts: &mut Multipart) -> Result<bool, MultipartError> {
        let Some(part) = parts.next_field().await? else { return Ok(false) };
        match part.name() {
            Some("file") => {
                let bytes = bytes(part, RECORDS_LIMIT_BYTES).await?;
                let text = |bytes| String::from_utf8(bytes).map_err(|_| WrongFile::NoText);
                self.file = bytes.ok_or(TOO_LARGE).and_then(text);
            }
            // What was typed comes back, however long it is.
            Some("records") => {
                let bytes = bytes(part, UPLOAD_LIMIT_BYTES).await?.unwrap_or_default();
                self.text = String::from_utf8_lossy(&bytes).into_owned();
            }
            _ => {}
        }
        Ok(true)
    }
}

/// What stands in a part; nothing where it is too large, but read to its end.
async fn bytes(mut part: Field<'_>, limit: usize) -> Result<Option<Vec<u8>>, MultipartError> {
    let (mut bytes, mut fits) = (Vec::new(), true);
    while let Some(chunk) = part.chunk().await? {
        fits &= bytes.len() + chunk.len() <= limit;
        if fits {
            bytes.extend_from_slice(&chunk);
        }
    }
    Ok(Some(bytes).filter(|_| fits))
}
