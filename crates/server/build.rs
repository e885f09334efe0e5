//! The built dashboard is embedded when it is there. Without it a stub page serves, so that Rust needs no Node.
fn main() {
    // An absent folder would make cargo rebuild this crate every time.
    let built = std::path::Path::new("../../web/dist");
    if let Err(error) = std::fs::create_dir_all(built) {
        println!("cargo:warning=could not create {}: {error}", built.display());
    }
    println!("cargo:rerun-if-changed=../../web/dist");
}
