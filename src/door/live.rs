//! The doors of a daemon: read with the connectors, and swapped as a whole. A file that became invalid keeps its last good door.

use std::path::PathBuf;
use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::check::{ConnectorState, DoorContext};
use super::load::load;
use super::plan::{Also, Door};
use crate::attempt::connectors::{Connectors, Health};
use crate::attempt::{AfterReload, App, ReloadedDoors, log_diagnostics};
use crate::diagnostic::Diagnostic;

/// The doors of a directory.
pub struct LiveDoors {
    directory: PathBuf,
    /// Clients and connectors of now. Weak: the app tells its doors of reloads.
    app: Weak<App>,
    running: ArcSwap<Vec<Arc<Door>>>,
    /// One reload at a time.
    reloading: tokio::sync::Mutex<()>,
}

/// What a reload of doors came to.
#[derive(Debug, Default)]
pub struct LoadedDoors {
    /// Doors that run, by id.
    pub running: Vec<String>,
    /// Files with mistakes.
    pub refused: Vec<String>,
    /// Files that never loaded, of consoles that do something else than refuse when nobody answers.
    pub open_without: Vec<String>,
    /// Everything that was found.
    pub diagnostics: Vec<Diagnostic>,
}

impl LoadedDoors {
    /// As callers may know it.
    pub fn told(&self) -> ReloadedDoors {
        ReloadedDoors { running: self.running.clone(), refused: self.refused.clone() }
    }
}

/// Where a request goes.
pub enum DoorRoute {
    /// A login.
    Login(Arc<Door>),
    /// The side question of this number.
    Also(Arc<Door>, usize),
}

impl DoorRoute {
    /// The door.
    pub fn door(&self) -> &Arc<Door> {
        match self {
            Self::Login(door) | Self::Also(door, _) => door,
        }
    }

    /// The side question.
    pub fn also(&self) -> Option<&Also> {
        match self {
            Self::Login(_) => None,
            Self::Also(door, index) => door.also.get(*index),
        }
    }
}

impl LiveDoors {
    /// The doors of `directory`; none before the first reload.
    pub fn new(directory: PathBuf, app: &Arc<App>) -> Self {
        Self {
            directory,
            app: Arc::downgrade(app),
            running: ArcSwap::default(),
            reloading: tokio::sync::Mutex::default(),
        }
    }

    /// Whose request this path is, if it is a door's. Paths are compared as they stand in the request: nothing is decoded.
    pub fn route(&self, path: &str) -> Option<DoorRoute> {
        let doors = self.running.load();
        doors.iter().find_map(|door| {
            if door.at.is_asked_by(path) {
                return Some(DoorRoute::Login(Arc::clone(door)));
            }
            let also = door.also.iter().position(|also| also.at.is_asked_by(path))?;
            Some(DoorRoute::Also(Arc::clone(door), also))
        })
    }

    /// The ids of the doors that run.
    pub fn ids(&self) -> Vec<String> {
        self.running.load().iter().map(|door| door.id.clone()).collect()
    }

    /// Reads all files and swaps the doors.
    pub async fn load(&self) -> std::io::Result<LoadedDoors> {
        let _one_at_a_time = self.reloading.lock().await;
        // The daemon ends.
        let Some(app) = self.app.upgrade() else { return Ok(LoadedDoors::default()) };
        let (directory, clients) = (self.directory.clone(), app.clients());
        let connectors = Arc::clone(&app.connectors);
        drop(app);
        let checking = tokio::task::spawn_blocking(move || {
            let context = DoorContext { clients: Some(&clients), connector: &|id| state(&*connectors, id) };
            load(&directory, &context)
        });
        let checked = checking.await.map_err(std::io::Error::other)??;
        let before = self.running.load_full();
        let (mut doors, mut reloaded) = (Vec::new(), LoadedDoors::default());
        for one in checked {
            reloaded.diagnostics.extend(one.diagnostics);
            let old = before.iter().find(|door| door.id == one.id);
            if one.door.is_none() {
                reloaded.refused.push(one.id.clone());
                if one.leaves_open && old.is_none() {
                    reloaded.open_without.push(one.id.clone());
                }
            }
            let door = one.door.map(Arc::new).or_else(|| old.cloned());
            doors.extend(door);
        }
        drop_overlaps(&mut doors, &mut reloaded);
        reloaded.running = doors.iter().map(|door| door.id.clone()).collect();
        self.running.store(Arc::new(doors));
        Ok(reloaded)
    }
}

/// A door that is kept from before must not take the place of one that is new.
fn drop_overlaps(doors: &mut Vec<Arc<Door>>, reloaded: &mut LoadedDoors) {
    let kept: Vec<Arc<Door>> = std::mem::take(doors);
    let is_kept = |door: &Arc<Door>| reloaded.refused.contains(&door.id);
    let (old, new): (Vec<_>, Vec<_>) = kept.into_iter().partition(is_kept);
    doors.extend(new);
    for door in old {
        if !doors.iter().any(|other| other.at.overlaps(&door.at)) {
            doors.push(door);
        }
    }
}

fn state(connectors: &dyn Connectors, id: &str) -> ConnectorState {
    match connectors.find(id) {
        None => ConnectorState::Missing,
        Some(connector) if connector.about().health == Health::Invalid => ConnectorState::Broken,
        Some(connector) => ConnectorState::Runs(Box::new(connector.about().clone())),
    }
}

/// Logs what a reload of doors came to.
pub fn log(reloaded: &LoadedDoors) {
    log_diagnostics("door", &reloaded.diagnostics);
    tracing::info!(running = reloaded.running.join(" "), refused = reloaded.refused.join(" "), "doors loaded");
}

impl AfterReload for LiveDoors {
    fn reloaded(&self) -> BoxFuture<'_, Option<ReloadedDoors>> {
        async {
            match self.load().await {
                Ok(loaded) => {
                    log(&loaded);
                    Some(loaded.told())
                }
                Err(error) => {
                    tracing::error!(%error, "door directory unreadable; the previous doors stay in use");
                    None
                }
            }
        }
        .boxed()
    }
}
