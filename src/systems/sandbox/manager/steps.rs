//! What a script's steps do, one by one, to a tree and to what it is kept in.

use std::sync::Arc;

use crate::storage::RowsError;
use crate::systems::sandbox::errors::{Code, Failure};
use crate::systems::sandbox::session::Session;
use crate::systems::sandbox::store::Hand;
use crate::systems::sandbox::tree::{Node, Tree};
use crate::systems::sandbox::workload::Step;

/// What a step came to: what it printed, or what it complained of.
pub(crate) type StepResult = Result<Option<Arc<str>>, Failure>;

/// Why a step came to nothing.
pub(super) enum Trouble {
    /// As it may: the script goes on.
    Complaint(Failure),
    /// The database failed.
    Database(RowsError),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Complaint(failure)
    }
}

impl From<RowsError> for Trouble {
    fn from(error: RowsError) -> Self {
        Self::Database(error)
    }
}

/// Performs a step that changes nothing.
pub(super) async fn look(
    step: &Step,
    session: &Session,
    tree: &Tree,
    hand: &mut Hand<'_>,
) -> Result<Option<Arc<str>>, Trouble> {
    match step {
        Step::List(path) => Ok(Some(tree.list(path)?.join("\n").into())),
        path => content(session, tree, path.path(), hand).await.map(Some),
    }
}

/// Performs a step, be it a look or a change; `tree` is changed along with what is behind it. Whether it was a change.
pub(super) async fn act(
    step: &Step,
    session: &Session,
    tree: &mut Tree,
    hand: &mut Hand<'_>,
) -> Result<(Option<Arc<str>>, bool), Trouble> {
    match step {
        Step::Read(_) | Step::List(_) => Ok((look(step, session, tree, hand).await?, false)),
        Step::Write(path, value) => {
            write(session, tree, path, value.clone(), hand).await?;
            Ok((None, true))
        }
        Step::Append(path, value) => {
            let base = match tree.find(path) {
                Some(_) => content(session, tree, path, hand).await?,
                None => "".into(),
            };
            let whole = if base.is_empty() { value.clone() } else { format!("{base}+{value}").into() };
            write(session, tree, path, whole, hand).await?;
            Ok((None, true))
        }
        Step::Remove(path) => {
            let ino = tree.removable(path)?;
            if !hand.remove(&session.key.id, ino).await? {
                return Err(stale(path).into());
            }
            tree.remove(path);
            Ok((None, true))
        }
    }
}

async fn content(session: &Session, tree: &Tree, path: &str, hand: &mut Hand<'_>) -> Result<Arc<str>, Trouble> {
    let sha256 = tree.content(path)?;
    if let Some(content) = session.content(sha256) {
        return Ok(content);
    }
    let Some(content) = hand.blob(sha256).await? else {
        return Err(Failure::new(Code::Eio, format!("the content of {path} is not there")).into());
    };
    let content: Arc<str> = content.into();
    session.remember(sha256, content.clone());
    Ok(content)
}

async fn write(
    session: &Session,
    tree: &mut Tree,
    path: &str,
    content: Arc<str>,
    hand: &mut Hand<'_>,
) -> Result<(), Trouble> {
    let id = &session.key.id;
    for directory in tree.way_to(path)? {
        let (parent, name) = tree.place(directory)?;
        let ino = hand.make(id, parent, name, "directory", None).await?;
        tree.put(directory, Node::Directory { ino });
    }
    let sha256 = hand.keep(&content).await?;
    let ino = match tree.find(path) {
        Some(node) => {
            let ino = node.ino();
            if !hand.change(id, ino, &sha256).await? {
                return Err(stale(path).into());
            }
            ino
        }
        None => {
            let (parent, name) = tree.place(path)?;
            hand.make(id, parent, name, "file", Some(&sha256)).await?
        }
    };
    session.remember(&sha256, content);
    tree.put(path, Node::File { ino, sha256 });
    Ok(())
}

/// The inode that the tree has for a path is not there.
fn stale(path: &str) -> Failure {
    Failure::new(Code::Eio, format!("stale inode of {path}"))
}
