//! Questions for `doorward sp trace` on its socket: whatever comes, the next one who asks well gets an
//! answer.
#![no_main]

use std::sync::OnceLock;
use std::time::Duration;

use doorward::web::{TraceSocket, trace_sockets};
use doorward_fuzz::{Product, product};
use libfuzzer_sys::fuzz_target;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

fn started() -> Product {
    let product = product("trace");
    for left in trace_sockets(&product.folder).expect("a folder") {
        let _ = std::fs::remove_file(left);
    }
    let socket = product.runtime.block_on(async { TraceSocket::open(&product.folder) });
    let serving = socket.expect("a socket").serve(product.app.clone());
    product.runtime.spawn(serving);
    product
}

async fn asked(product: &Product, question: &[u8]) -> Vec<u8> {
    let path = trace_sockets(&product.folder).expect("a folder");
    let mut stream = UnixStream::connect(&path[0]).await.expect("it listens");
    let mut answer = Vec::new();
    // Who is refused early finds nobody who reads on.
    let _ = stream.write_all(question).await;
    let _ = stream.shutdown().await;
    let _ = stream.read_to_end(&mut answer).await;
    answer
}

fuzz_target!(|question: &[u8]| {
    static PRODUCT: OnceLock<Product> = OnceLock::new();
    let product = PRODUCT.get_or_init(started);
    product.runtime.block_on(async {
        let patience = Duration::from_secs(60);
        let both = async {
            asked(product, question).await;
            asked(product, b"{\"after\":0}\n").await
        };
        let answer = tokio::time::timeout(patience, both).await.expect("an answer in time");
        assert!(answer.starts_with(b"{"), "the next one gets no answer");
    });
});
