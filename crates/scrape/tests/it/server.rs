//! A tiny HTTP server: whatever is asked for, it answers what it was told to, and remembers the
//! question.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What the server answers.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) delay: Duration,
}

impl Reply {
    pub(crate) fn page(body: &str) -> Self {
        Self {
            status: "200 OK",
            headers: vec![("Content-Type", "text/plain; version=0.0.4".into())],
            body: body.into(),
            delay: Duration::ZERO,
        }
    }
}

#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) address: String,
    reply: Arc<Mutex<Reply>>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) async fn start(reply: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap().to_string(),
            reply: Arc::new(Mutex::new(reply)),
            requests: Arc::default(),
        };
        let accepting = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = accepting.clone();
                // A client that hangs up early is none of the server's business.
                tokio::spawn(async move { server.serve(stream).await.ok() });
            }
        });
        server
    }

    pub(crate) fn set(&self, reply: Reply) {
        *self.reply.lock().unwrap() = reply;
    }

    /// The requests so far, heads as they came.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    async fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut head = Vec::new();
        loop {
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await?);
            }
            self.requests
                .lock()
                .unwrap()
                .push(String::from_utf8(std::mem::take(&mut head)).unwrap());
            let reply = self.reply.lock().unwrap().clone();
            tokio::time::sleep(reply.delay).await;
            let mut answer = format!("HTTP/1.1 {}\r\n", reply.status);
            for (name, value) in &reply.headers {
                answer.push_str(&format!("{name}: {value}\r\n"));
            }
            answer.push_str(&format!("Content-Length: {}\r\n\r\n", reply.body.len()));
            // In one piece, or the kernel may hold the body back for longer than a test's timeout.
            let answer = [answer.as_bytes(), &reply.body].concat();
            stream.write_all(&answer).await?;
        }
    }
}
