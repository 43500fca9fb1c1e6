//! Small bodies are read before anything is decided. Whoever is refused by the head alone would otherwise still be
//! sending when the connection is closed, and could lose the answer, or the next request on that connection.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{CONNECTION, CONTENT_LENGTH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::BODY_LIMIT_BYTES;

/// Reads a body that says it is small. Another is left to whoever wants it, and a refusal tells that the connection
/// ends with it (RFC 9112, section 9.6).
pub(super) async fn read(request: Request, next: Next) -> Response {
    match length(request.headers()) {
        Some(0) => next.run(request).await,
        Some(length) if length <= BODY_LIMIT_BYTES => {
            let (head, body) = request.into_parts();
            match to_bytes(body, length).await {
                Ok(body) => next.run(Request::from_parts(head, Body::from(body))).await,
                // Whoever sent it has gone.
                Err(_) => last(StatusCode::BAD_REQUEST.into_response()),
            }
        }
        _ => last(next.run(request).await),
    }
}

fn last(mut answer: Response) -> Response {
    if answer.status().is_client_error() {
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

/// The length of the body in bytes; nothing where it is not known from the head.
fn length(headers: &HeaderMap) -> Option<usize> {
    match headers.get(CONTENT_LENGTH) {
        Some(length) => length.to_str().ok()?.parse().ok(),
        None if headers.contains_key("transfer-encoding") => None,
        None => Some(0),
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use axum::{Router, middleware};
    use hyper::server::conn::http1;
    use hyper_util::rt::TokioIo;
    use hyper_util::service::TowerToHyperService;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    /// The other end of a connection to something that answers nobody but those who get.
    fn connected() -> DuplexStream {
        let (here, there) = duplex(4096);
        let app = Router::new().route("/", get(|| async { "here" })).layer(middleware::from_fn(super::read));
        tokio::spawn(
            http1::Builder::new().serve_connection(TokioIo::new(there), TowerToHyperService::new(app)),
        );
        here
    }

    async fn answer(stream: &mut DuplexStream) -> String {
        let mut answer = vec![0; 4096];
        let length = stream.read(&mut answer).await.unwrap();
        String::from_utf8(answer[..length].to_vec()).unwrap()
    }

    #[tokio::test]
    async fn a_body_that_comes_after_its_head_does_not_end_the_connection() {
        let mut stream = connected();
        for _ in 0..3 {
            stream.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n").await.unwrap();
            // Now the head has been read, and not yet answered.
            tokio::task::yield_now().await;
            stream.write_all(b"body").await.unwrap();
            assert!(answer(&mut stream).await.starts_with("HTTP/1.1 405"));
        }
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        assert!(answer(&mut stream).await.ends_with("here"));
    }

    #[tokio::test]
    async fn who_is_refused_before_the_end_of_the_body_is_told_that_it_is_the_last_answer() {
        for length in ["Content-Length: 65537", "Transfer-Encoding: chunked"] {
            let mut stream = connected();
            let head = format!("POST / HTTP/1.1\r\nHost: a\r\n{length}\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            let answer = answer(&mut stream).await;
            assert!(
                answer.starts_with("HTTP/1.1 405") && answer.contains("\r\nconnection: close\r\n"),
                "{answer}"
            );
        }
    }

    #[tokio::test]
    async fn a_body_that_ends_too_early_is_no_request() {
        let mut stream = connected();
        stream.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbo").await.unwrap();
        stream.shutdown().await.unwrap();
        let answer = answer(&mut stream).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
}
