//! The system's own name lookup, `netdb.h`: what Python's `_socket.gethostbyaddr` calls.
//!
//! `getnameinfo`, which Rust libraries wrap, gives one name; this gives the aliases too, and those decide what `getfqdn`
//! answers. It blocks, for as long as the system's resolver likes. The declarations are unsafe code; they stay in this file.

use std::net::{IpAddr, ToSocketAddrs};
use std::time::Duration;

use tracing::{Span, instrument};

use super::event::Interrupt;

/// What the system knows of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// Its other names.
    pub aliases: Vec<String>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
}

impl Host {
    /// The addresses, one after another.
    pub(super) fn addresses_text(&self) -> String {
        let texts: Vec<_> = self.addresses.iter().map(ToString::to_string).collect();
        texts.join(" ")
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// Nobody knows the address.
    #[error("host not found")]
    NotFound,
    /// There was nobody to ask: the pool has no place, no watcher or no thread.
    #[error("no lookup: {0}")]
    NotAsked(&'static str),
    /// Somebody stops the server.
    #[error("interrupted")]
    Interrupted,
}

/// Mirrors `_socket.gethostbyaddr`: the host of an address or of a name. Blocks the calling thread, `slow` longer than the
/// system does.
///
/// # Errors
/// If nobody knows it.
#[instrument(skip_all, fields(argument = argument, slow_ms, hostname, aliases, addresses, error))]
pub(super) fn gethostbyaddr(
    argument: &str,
    slow: Option<Duration>,
    interrupt: &Interrupt,
) -> Result<Host, LookupError> {
    let span = Span::current();
    if let Some(slow) = slow {
        span.record("slow_ms", slow.as_millis());
        if interrupt.sleep(slow) {
            return Err(LookupError::Interrupted);
        }
    }
    let answer = address_of(argument).and_then(system::gethostbyaddr);
    match &answer {
        Ok(host) => {
            span.record("hostname", &host.name);
            span.record("aliases", host.aliases.join(" "));
            span.record("addresses", host.addresses_text());
        }
        Err(error) => drop(span.record("error", error.to_string())),
    }
    answer
}

fn address_of(argument: &str) -> Result<IpAddr, LookupError> {
    if let Ok(address) = argument.parse() {
        return Ok(address);
    }
    let mut found = (argument, 0).to_socket_addrs().map_err(|_| LookupError::NotFound)?;
    found.next().map(|found| found.ip()).ok_or(LookupError::NotFound)
}

/// The name of this machine.
pub(super) fn gethostname() -> String {
    #[cfg(unix)]
    {
        rustix::system::uname().nodename().to_string_lossy().into_owned()
    }
    #[cfg(not(unix))]
    {
        std::env::var("COMPUTERNAME").unwrap_or_else(|_| "localhost".to_owned())
    }
}

/// Where the system's function is not declared here, nobody knows the address, and `getfqdn` keeps the name it was given.
#[cfg(not(unix))]
mod system {
    use super::{Host, IpAddr, LookupError};

    pub(super) fn gethostbyaddr(_address: IpAddr) -> Result<Host, LookupError> {
        Err(LookupError::NotFound)
    }
}

#[cfg(unix)]
#[expect(unsafe_code, reason = "libc's gethostbyaddr has no safe wrapper that gives aliases")]
mod system {
    use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    use super::{Host, LookupError};

    /// `AF_INET`, the same everywhere.
    const AF_INET: c_int = 2;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const AF_INET6: c_int = 10;
    #[cfg(any(target_os = "macos", target_os = "ios"))]
    const AF_INET6: c_int = 30;
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "macos", target_os = "ios")))]
    const AF_INET6: c_int = 28;

    /// `struct hostent` of POSIX.
    #[repr(C)]
    struct Hostent {
        name: *mut c_char,
        aliases: *mut *mut c_char,
        addrtype: c_int,
        length: c_int,
        addr_list: *mut *mut c_char,
    }

    pub(super) fn gethostbyaddr(address: IpAddr) -> Result<Host, LookupError> {
        match address {
            IpAddr::V4(address) => lookup(&address.octets(), AF_INET),
            IpAddr::V6(address) => lookup(&address.octets(), AF_INET6),
        }
    }

    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn lookup(address: &[u8], family: c_int) -> Result<Host, LookupError> {
        unsafe extern "C" {
            fn gethostbyaddr_r(
                addr: *const c_void,
                len: c_uint,
                family: c_int,
                ret: *mut Hostent,
                buf: *mut c_char,
                buflen: usize,
                result: *mut *mut Hostent,
                h_errnop: *mut c_int,
            ) -> c_int;
        }
        /// `errno` of a buffer that is too small.
        const ERANGE: c_int = 34;
        let mut buffer = vec![0 as c_char; 1024];
        loop {
            let mut host = std::mem::MaybeUninit::<Hostent>::uninit();
            let mut found = std::ptr::null_mut();
            let mut why = 0;
            // SAFETY: every pointer is to live memory of the length that is passed with it, for the time of the call.
            let status = unsafe {
                gethostbyaddr_r(
                    address.as_ptr().cast(),
                    address.len() as c_uint,
                    family,
                    host.as_mut_ptr(),
                    buffer.as_mut_ptr(),
                    buffer.len(),
                    &raw mut found,
                    &raw mut why,
                )
            };
            if status == ERANGE && buffer.len() < 1 << 20 {
                let larger = buffer.len() * 4;
                buffer.resize(larger, 0);
                continue;
            }
            if status != 0 || found.is_null() {
                return Err(LookupError::NotFound);
            }
            // SAFETY: `found` points to `host`, which the call has filled; its pointers are into `buffer`, alive here.
            return Ok(unsafe { read(&*found) });
        }
    }

    /// Elsewhere there is no `_r`: the answer is in static memory (per thread on macOS and the BSDs), so one at a time.
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    fn lookup(address: &[u8], family: c_int) -> Result<Host, LookupError> {
        unsafe extern "C" {
            fn gethostbyaddr(addr: *const c_void, len: c_uint, family: c_int) -> *mut Hostent;
        }
        static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
        let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // SAFETY: the address is live and of the length passed.
        let found = unsafe { gethostbyaddr(address.as_ptr().cast(), address.len() as c_uint, family) };
        if found.is_null() {
            return Err(LookupError::NotFound);
        }
        // SAFETY: a non-null answer is valid until the next call, which the lock keeps away.
        Ok(unsafe { read(&*found) })
    }

    /// Copies an answer.
    ///
    /// # Safety
    /// `host` must have been filled by the system: a name, and two lists that end with null.
    unsafe fn read(host: &Hostent) -> Host {
        // SAFETY: as the caller promises; `length` bytes are behind every address.
        unsafe {
            let addresses = list(host.addr_list)
                .into_iter()
                .filter_map(|bytes| match host.length {
                    4 => Some(IpAddr::V4(Ipv4Addr::from(*bytes.cast::<[u8; 4]>()))),
                    16 => Some(IpAddr::V6(Ipv6Addr::from(*bytes.cast::<[u8; 16]>()))),
                    _ => None,
                })
                .collect();
            let aliases = list(host.aliases).into_iter().map(|alias| text(alias)).collect();
            Host { name: text(host.name), aliases, addresses }
        }
    }

    /// # Safety
    /// `text` must be null or a C string.
    unsafe fn text(text: *const c_char) -> String {
        if text.is_null() {
            return String::new();
        }
        // SAFETY: as the caller promises.
        unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
    }

    /// # Safety
    /// `first` must be null or a list that ends with null.
    unsafe fn list(first: *mut *mut c_char) -> Vec<*mut c_char> {
        let mut found = Vec::new();
        if first.is_null() {
            return found;
        }
        // SAFETY: as the caller promises, null is reached before the end of the memory.
        unsafe {
            let mut at = first;
            while !(*at).is_null() {
                found.push(*at);
                at = at.add(1);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_has_a_name_and_its_own_address() {
        let host = gethostbyaddr("127.0.0.1", None, &Interrupt::default()).unwrap();
        assert!(!host.name.is_empty());
        assert!(host.addresses.contains(&"127.0.0.1".parse().unwrap()), "{host:?}");
    }

    #[test]
    fn a_name_without_an_address_is_not_found() {
        let answer = address_of("not a host name at all");
        assert_eq!(answer, Err(LookupError::NotFound));
    }
}
