//! A private PostgreSQL server for one test run: on loopback, under a user who is not root, gone with the value.

use std::{
    ffi::OsStr,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::atomic::{AtomicU32, Ordering},
};

static SCRIPTS: AtomicU32 = AtomicU32::new(0);

/// The unprivileged user that runs the server when tests run as root (`nobody`).
const NOBODY: u32 = 65534;

/// A running server. Dropping it stops it and removes its files.
pub struct Cluster {
    dir: tempfile::TempDir,
    pg_ctl: PathBuf,
    port: u16,
}

impl Cluster {
    /// Starts a server; `None`, with a line that says so, where no server program is installed. Panics when there is one and
    /// it does not start: that is a failed test, not a skipped one.
    pub fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// The same with settings of the server's configuration.
    pub fn start_with(settings: &[(&str, &str)]) -> Option<Self> {
        let (Some(initdb), Some(pg_ctl)) = (program("initdb"), program("pg_ctl")) else {
            // Standard error is where the test runner shows it.
            eprintln!("skipped: no PostgreSQL server program (initdb, pg_ctl) is installed");
            return None;
        };
        let dir = tempfile::tempdir().expect("a folder for the server");
        if is_root(dir.path()) {
            own(dir.path());
        }
        let data = dir.path().join("data");
        let port = free_port();
        let cluster = Self { dir, pg_ctl, port };
        cluster.must(
            &initdb,
            &[
                "-D".as_ref(),
                data.as_os_str(),
                "-U".as_ref(),
                "tallykeep".as_ref(),
                "-A".as_ref(),
                "trust".as_ref(),
                "-E".as_ref(),
                "UTF8".as_ref(),
                "--locale=C".as_ref(),
                "--no-sync".as_ref(),
            ],
        );
        let mut options = format!(
            "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c max_connections=200"
        );
        settings.iter().for_each(|(name, value)| options.push_str(&format!(" -c {name}={value}")));
        let log = cluster.dir.path().join("log");
        cluster.must(
            &cluster.pg_ctl,
            &[
                "-D".as_ref(),
                data.as_os_str(),
                "-o".as_ref(),
                options.as_ref(),
                "-l".as_ref(),
                log.as_os_str(),
                "-w".as_ref(),
                "start".as_ref(),
            ],
        );
        Some(cluster)
    }

    /// The URL of a fresh, empty database of that name.
    pub fn database(&self, name: &str) -> String {
        let server = format!("postgres://tallykeep@127.0.0.1:{}", self.port);
        let statement = format!("create database {name}");
        let psql = program("psql").expect("psql comes with the server");
        let maintenance = format!("{server}/postgres");
        self.must(&psql, &["-q".as_ref(), "-d".as_ref(), maintenance.as_ref(), "-c".as_ref(), statement.as_ref()]);
        format!("{server}/{name}")
    }

    /// Runs a script of psql in a database of [`Cluster::database`]. Panics where the server refuses a statement.
    pub fn execute(&self, url: &str, script: &str) {
        self.query(url, script);
    }

    /// The same, and what psql says: rows without headings, columns apart by `|`.
    pub fn query(&self, url: &str, script: &str) -> String {
        let file = self.dir.path().join(format!("script-{}.sql", SCRIPTS.fetch_add(1, Ordering::Relaxed)));
        std::fs::write(&file, script).expect("a file for the script");
        let psql = program("psql").expect("psql comes with the server");
        let arguments = ["-qAtX", "-v", "ON_ERROR_STOP=1", "-d", url, "-f"].map(OsStr::new);
        self.must(&psql, &[&arguments[..], &[file.as_os_str()]].concat())
    }

    fn must(&self, program: &Path, arguments: &[&OsStr]) -> String {
        let output = self.run(program, arguments);
        assert!(
            output.status.success(),
            "{} failed: {}{}",
            program.display(),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn run(&self, program: &Path, arguments: &[&OsStr]) -> Output {
        let mut command = if is_root_owned_by_nobody(self.dir.path()) {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        // The server must not hold our pipes open: its output goes to its log, pg_ctl's to a file as well.
        let name = program.file_name().and_then(OsStr::to_str).unwrap_or("it");
        let said = self.dir.path().join(format!("said-{name}-{}", SCRIPTS.fetch_add(1, Ordering::Relaxed)));
        let file = std::fs::File::create(&said).expect("a file for the output");
        let twin = file.try_clone().expect("the same file");
        let status = command.args(arguments).current_dir(self.dir.path()).stdout(file).stderr(twin).status();
        let status = status.expect("the program starts");
        Output { status, stdout: std::fs::read(said).unwrap_or_default(), stderr: Vec::new() }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.dir.path().join("data");
        self.run(
            &self.pg_ctl,
            &["-D".as_ref(), data.as_os_str(), "-m".as_ref(), "immediate".as_ref(), "-w".as_ref(), "stop".as_ref()],
        );
    }
}

/// A program on the path, or where Debian keeps the newest server's.
fn program(name: &str) -> Option<PathBuf> {
    let on_path =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    let mut versions: Vec<_> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    versions.sort();
    versions.reverse();
    on_path.into_iter().chain(versions).map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

fn owner(path: &Path) -> u32 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).map(|metadata| metadata.uid()).unwrap_or(0)
}

/// What we make is root's: then we are root, and the server refuses to run as us.
fn is_root(made: &Path) -> bool {
    owner(made) == 0
}

fn is_root_owned_by_nobody(dir: &Path) -> bool {
    owner(dir) == NOBODY && !is_ourselves_nobody()
}

fn is_ourselves_nobody() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|metadata| {
        use std::os::unix::fs::MetadataExt;
        metadata.uid() == NOBODY
    })
}

fn own(dir: &Path) {
    std::os::unix::fs::chown(dir, Some(NOBODY), Some(NOBODY)).expect("root may give a folder away");
}
