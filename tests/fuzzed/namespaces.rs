//! Bytes as messages of a client of Socket.IO: whatever they are, nothing is asked of a namespace that is not connected.

use std::collections::BTreeSet;

use spanwalk::server::engineio::Message;
use spanwalk::server::socketio::namespaces::{Asked, Namespaces};

/// The separator of messages; a message that begins with 0xff is bytes.
const END: u8 = b'\n';
/// The most that a message may have.
const MAX_PAYLOAD: u64 = 1_000;

/// Hands all of them to one connection.
pub fn run(bytes: &[u8]) {
    let mut namespaces = Namespaces::new(vec!["/".into(), "/custom".into()], MAX_PAYLOAD);
    let mut connected = BTreeSet::new();
    for message in bytes.split(|byte| *byte == END) {
        let message = match message.split_first() {
            Some((0xff, bytes)) => Message::Binary(bytes.to_vec().into()),
            _ => Message::Text(String::from_utf8_lossy(message).into_owned().into()),
        };
        let Ok(Some(packet)) = namespaces.decode(message) else { continue };
        match namespaces.receive(packet) {
            Ok(Asked::Connect { namespace, auth }) => {
                assert!(namespaces.has_asked() && connected.insert(namespace.to_string()), "twice");
                let is_object =
                    |auth: &str| serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(auth).is_ok();
                // Numbers that JSON may have and Rust's do not hold are no mistake of the client.
                assert!(auth.is_none_or(|auth| is_object(&auth) || auth.starts_with('{')));
            }
            Ok(Asked::Event { namespace, args, .. } | Asked::Ack { namespace, args, .. }) => {
                assert!(connected.contains(&*namespace), "not connected");
                let _ = (
                    args.told(),
                    args.bytes(),
                    args.attachments(),
                    args.split_first(),
                    args.get::<Vec<serde_json::Value>>(),
                );
            }
            Ok(Asked::Disconnect { namespace }) => assert!(connected.remove(&*namespace), "not connected"),
            Ok(Asked::Refuse { namespace }) => assert!(!["/", "/custom"].contains(&&*namespace)),
            Ok(Asked::More | Asked::Late) | Err(_) => {}
        }
    }
}

/// To begin with: what real clients say.
pub fn seeds() -> Vec<Vec<u8>> {
    let attached = [
        &b"0\n52-[\"message\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]\n"[..],
        b"\xff\x01\n\xff\x02\n61-3[{\"_placeholder\":true,\"num\":0}]\n\xff\x03",
    ];
    vec![
        b"0\n2[\"message\",\"hi\",1,null,{\"a\":[1.5]}]\n217[\"message-with-ack\"]\n33[1]\n1".to_vec(),
        b"0{\"token\":1}\n0/custom,{}\n2/custom,[\"echo\",\"x\"]\n1/custom,\n2/custom,[\"late\"]\n0/custom?a=b,"
            .to_vec(),
        attached.concat(),
        b"0/random\n4{}\n2abc[]\n50-\n51-[\"x\",{\"_placeholder\":true,\"num\":9}]\n\xff\n1/custom,[]".to_vec(),
    ]
}
