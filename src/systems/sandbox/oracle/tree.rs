//! The trees of all sandboxes as Postgres holds them, put together from the rows that it commits.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::lens::Node;

/// The rows that trees are made of.
#[derive(Default)]
pub(super) struct Trees {
    /// By id.
    roots: BTreeMap<Arc<str>, Root>,
    inodes: BTreeMap<i64, Inode>,
    /// By key.
    dirents: BTreeMap<Arc<str>, Dirent>,
    /// By hash.
    blobs: BTreeMap<String, Arc<str>>,
}

/// A row of `sandboxes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Root {
    pub(super) inode: i64,
    pub(super) epoch: i64,
}

struct Inode {
    sandbox: Arc<str>,
    hash: Option<String>,
    directory: bool,
}

struct Dirent {
    sandbox: Arc<str>,
    parent: i64,
    name: Arc<str>,
    inode: i64,
}

impl Trees {
    /// Takes a committed row, by its key within a table. The sandbox whose tree it may have changed.
    pub(super) fn commit(&mut self, table: &str, key: &str, row: Option<&str>) -> Option<Arc<str>> {
        let row = row.and_then(|row| serde_json::from_str::<Value>(row).ok());
        match (table, row) {
            ("sandboxes", Some(row)) => {
                let root = Root { inode: int(&row, "root_inode"), epoch: int(&row, "epoch") };
                self.roots.insert(key.into(), root);
                Some(key.into())
            }
            ("sandboxes", None) => {
                self.roots.remove(key);
                Some(key.into())
            }
            ("inodes", Some(row)) => {
                let sandbox: Arc<str> = text(&row, "sandbox_id").into();
                let hash = row.get("sha256").and_then(Value::as_str).map(str::to_owned);
                let directory = text(&row, "kind") == "directory";
                self.inodes.insert(int(&row, "ino"), Inode { sandbox: sandbox.clone(), hash, directory });
                Some(sandbox)
            }
            ("inodes", None) => self.inodes.remove(&key.parse().ok()?).map(|inode| inode.sandbox),
            ("dirents", Some(row)) => {
                let sandbox: Arc<str> = text(&row, "sandbox_id").into();
                let (parent, inode) = (int(&row, "parent"), int(&row, "ino"));
                let dirent = Dirent { sandbox: sandbox.clone(), parent, name: text(&row, "name").into(), inode };
                self.dirents.insert(key.into(), dirent);
                Some(sandbox)
            }
            ("dirents", None) => self.dirents.remove(key).map(|dirent| dirent.sandbox),
            ("blobs", Some(row)) => {
                self.blobs.insert(text(&row, "sha256").to_owned(), text(&row, "content").into());
                None
            }
            _ => None,
        }
    }

    /// The row of a sandbox.
    pub(super) fn root(&self, sandbox: &str) -> Option<Root> {
        self.roots.get(sandbox).copied()
    }

    /// What is at each path of a sandbox; nothing if it has no row.
    pub(super) fn nodes(&self, sandbox: &str) -> BTreeMap<Arc<str>, Node> {
        let mut nodes = BTreeMap::new();
        if let Some(root) = self.root(sandbox) {
            let dirents: Vec<&Dirent> = self.dirents.values().filter(|dirent| *dirent.sandbox == *sandbox).collect();
            self.walk(&dirents, root.inode, "", &mut nodes);
        }
        nodes
    }

    fn walk(&self, dirents: &[&Dirent], directory: i64, path: &str, nodes: &mut BTreeMap<Arc<str>, Node>) {
        let mut names = Vec::new();
        for dirent in dirents.iter().filter(|dirent| dirent.parent == directory) {
            let Some(inode) = self.inodes.get(&dirent.inode) else { continue };
            names.push(dirent.name.clone());
            let below = format!("{path}/{}", dirent.name);
            if inode.directory {
                self.walk(dirents, dirent.inode, &below, nodes);
            } else {
                let content = inode.hash.as_ref().and_then(|hash| self.blobs.get(hash)).cloned();
                nodes.insert(below.into(), Node::File(content.unwrap_or_default()));
            }
        }
        names.sort_unstable();
        nodes.insert(if path.is_empty() { "/".into() } else { path.into() }, Node::Directory(names));
    }
}

fn text<'a>(row: &'a Value, column: &str) -> &'a str {
    row.get(column).and_then(Value::as_str).unwrap_or_default()
}

fn int(row: &Value, column: &str) -> i64 {
    row.get(column).and_then(Value::as_i64).unwrap_or_default()
}
