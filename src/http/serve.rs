//! The server's side: accept connections and answer with a router.

use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tower_service::Service;

use crate::runtime::net::{TcpListener, TcpStream};
use crate::runtime::{activity, task, time};

/// How long a client may take over the head of a request, and how long a connection is kept alive idle.
const HEAD: Duration = Duration::from_secs(30);

/// How long to wait after a failed accept: out of file descriptors, it fails again at once.
const PAUSE: Duration = Duration::from_millis(10);

/// Answers HTTP/1.1 requests on `listener` with `router`, for ever; drop it to stop accepting.
///
/// Each connection is a task, kept alive between requests for up to 30 seconds, and outlives this future. Each request
/// is an activity of its own, named by method and path. A client that goes away drops its handler at the next await. No
/// `date` header is sent: it would be the host's clock.
pub async fn serve(listener: TcpListener, router: Router) {
    // Prepared once; otherwise every clone would prepare the routes again.
    let router: Router = router.with_state(());
    let mut builder = http1::Builder::new();
    builder.auto_date_header(false).timer(TokioTimer::new()).header_read_timeout(HEAD);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let _ = stream.set_nodelay(true);
                drop(task::spawn(connection(builder.clone(), stream, router.clone())));
            }
            // One connection's failure, or a shortage that passes: neither ends the service.
            Err(_) => time::sleep(PAUSE).await,
        }
    }
}

async fn connection(builder: http1::Builder, stream: TcpStream, router: Router) {
    let service = service_fn(move |request: Request<Incoming>| {
        let name = format!("{} {}", request.method(), request.uri().path());
        activity(name, router.clone().call(request))
    });
    // A connection that breaks is the client's to notice.
    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
}
