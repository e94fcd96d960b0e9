//! One connection, driven by whoever uses it.
//!
//! It has no task of its own: what a call sends is sent as part of the call, a call that is dropped takes the connection
//! along, and nobody is woken for nothing.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, NoTls, Row};

use super::parameters::Parameter;
use super::{RowsError, RowsOptions};
use crate::runtime::net::TcpStream;
use crate::runtime::time;

type Driver = tokio_postgres::Connection<TcpStream, NoTlsStream>;

/// A connection to the database. Dropping it closes it, and the server takes back what it had not committed.
pub(super) struct Connection {
    client: Client,
    /// Gone once the connection has broken.
    driver: Option<Driver>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("open", &self.driver.is_some()).finish_non_exhaustive()
    }
}

impl Connection {
    /// Connects, or says why there is no connection: `Refused` only where asking again will not help.
    pub(super) async fn open(options: &RowsOptions) -> Result<Self, RowsError> {
        let RowsOptions { address, connect_timeout, .. } = options;
        let said = |what: &dyn fmt::Display| RowsError::Unavailable(format!("connecting to {address}: {what}"));
        match time::timeout(*connect_timeout, Self::establish(options)).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(Trouble::Stream(error))) => Err(said(&error)),
            Ok(Err(Trouble::Start(error))) => match RowsError::from(error) {
                // Starting, shutting down, too many connections: a connection later may be granted.
                RowsError::Refused { sqlstate, message, .. }
                    if sqlstate.starts_with("57P0") || sqlstate.starts_with("53") =>
                {
                    Err(said(&format_args!("{message} ({sqlstate})")))
                }
                RowsError::Unavailable(why) => Err(said(&why)),
                refused => Err(refused),
            },
            Err(_) => Err(said(&format_args!("no answer in {connect_timeout:?}"))),
        }
    }

    async fn establish(options: &RowsOptions) -> Result<Self, Trouble> {
        let stream = TcpStream::connect(&options.address).await.map_err(Trouble::Stream)?;
        // Best effort: without it a reply comes later, not wrong.
        let _ = stream.set_nodelay(true);
        let mut config = tokio_postgres::Config::new();
        config.user(&options.user).dbname(&options.database).application_name(&options.application);
        let (client, driver) = config.connect_raw(stream, NoTls).await.map_err(Trouble::Start)?;
        Ok(Self { client, driver: Some(driver) })
    }

    /// Itself, if it is open still as far as has been heard from the other side.
    pub(super) async fn if_open(mut self) -> Option<Self> {
        poll_fn(|cx| {
            drop(turn(&mut self.driver, cx));
            Poll::Ready(())
        })
        .await;
        self.driver.is_some().then_some(self)
    }

    /// The rows of a statement.
    pub(super) async fn query(&mut self, sql: &str, with: &[(Parameter<'_>, Type)]) -> Result<Vec<Row>, RowsError> {
        let Self { client, driver } = self;
        drive(driver, client.query_typed(sql, with)).await
    }

    /// How many rows a statement has touched.
    pub(super) async fn execute(&mut self, sql: &str, with: &[(Parameter<'_>, Type)]) -> Result<u64, RowsError> {
        let Self { client, driver } = self;
        drive(driver, client.execute_typed(sql, with)).await
    }

    /// Statements without parameters and results.
    pub(super) async fn batch(&mut self, sql: &str) -> Result<(), RowsError> {
        let Self { client, driver } = self;
        drive(driver, client.batch_execute(sql)).await
    }
}

/// Drives the connection until the call is done.
async fn drive<T>(driver: &mut Option<Driver>, call: impl Future<Output = Result<T, Error>>) -> Result<T, RowsError> {
    let mut call = pin!(call);
    let mut ended = None;
    poll_fn(|cx| {
        // The call leaves what it has to say with the driver, which sends it, and hands over what has come.
        if let Poll::Ready(result) = call.as_mut().poll(cx) {
            return Poll::Ready(result);
        }
        ended = turn(driver, cx).or(ended.take());
        call.as_mut().poll(cx)
    })
    .await
    .map_err(|error| match ended {
        // Why the connection broke says more than that it is closed.
        Some(why) if error.as_db_error().is_none() => why,
        _ => RowsError::from(error),
    })
}

/// Lets the driver send and receive what it can; if that is its end, why.
fn turn(driver: &mut Option<Driver>, cx: &mut Context<'_>) -> Option<RowsError> {
    let Poll::Ready(end) = Pin::new(driver.as_mut()?).poll(cx) else { return None };
    // With it goes what calls wait on, so that they end.
    *driver = None;
    Some(match end {
        Ok(()) => RowsError::Unavailable("the connection was closed".to_owned()),
        Err(error) => RowsError::from(error),
    })
}

enum Trouble {
    Stream(std::io::Error),
    Start(Error),
}
