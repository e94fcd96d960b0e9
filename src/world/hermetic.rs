//! libc's clock and entropy, answered from inside a world.
//!
//! Whatever a dependency asks of `clock_gettime`, `gettimeofday`, `time`, `getrandom` or `getentropy` on the thread of a
//! run is answered from the current host's clock and the seed; on every other thread the call goes through to libc. So
//! `SystemTime::now`, `Instant::now`, `Uuid::new_v4` and the keys of a `HashMap` follow from the seed. So does what asks the
//! kernel through libc's `syscall`, as older generators do; code that has instructions of its own for that, or asks the
//! processor, is out of reach.
//!
//! This is the one file with `unsafe`: each function has the signature and contract that libc documents.
#![expect(unsafe_code, reason = "libc's own symbols are defined here, with pointers from C")]

use std::cell::Cell;
use std::ffi::{CStr, c_int, c_long, c_uint, c_void};
use std::sync::atomic::{AtomicPtr, Ordering};

use super::simulation::World;

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// As long as it lives, this thread's clock and entropy are the world's.
pub(super) struct Inside(());

pub(super) fn enter() -> Inside {
    INSIDE.set(true);
    Inside(())
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(false);
    }
}

fn inside<R>(act: impl FnOnce(&World) -> R) -> Option<R> {
    if INSIDE.try_with(Cell::get).unwrap_or(false) { World::with(|world| act(world)) } else { None }
}

const NANOS: u64 = 1_000_000_000;
/// Where the monotonic clock of every machine starts: it has been up for a day, as code that subtracts from
/// `Instant::now` expects.
const UPTIME: u64 = 86_400 * NANOS;

/// A time as libc tells it.
fn timespec(nanos: u64) -> libc::timespec {
    libc::timespec { tv_sec: (nanos / NANOS) as libc::time_t, tv_nsec: (nanos % NANOS) as _ }
}

/// What a clock shows inside a world, in nanoseconds.
fn simulated(world: &World, clock: libc::clockid_t) -> u64 {
    match clock {
        libc::CLOCK_REALTIME | libc::CLOCK_REALTIME_COARSE | libc::CLOCK_TAI => world.wall(),
        _ => UPTIME + world.clock.tick(),
    }
}

/// libc's own function of this name, looked up once.
fn real(name: &CStr, cache: &AtomicPtr<c_void>) -> *mut c_void {
    let known = cache.load(Ordering::Relaxed);
    if !known.is_null() {
        return known;
    }
    // SAFETY: the name is a C string, and RTLD_NEXT needs nothing else.
    let found = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) };
    cache.store(found, Ordering::Relaxed);
    found
}

/// `clock_gettime(2)`.
///
/// # Safety
/// As libc's: `time` points to a `timespec` that may be written.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn clock_gettime(clock: libc::clockid_t, time: *mut libc::timespec) -> c_int {
    static REAL: AtomicPtr<c_void> = AtomicPtr::new(std::ptr::null_mut());
    if let Some(nanos) = inside(|world| simulated(world, clock)) {
        // SAFETY: the caller gave a pointer to a timespec.
        unsafe { time.write(timespec(nanos)) };
        return 0;
    }
    let real = real(c"clock_gettime", &REAL);
    if real.is_null() {
        // SAFETY: the same call, with the caller's arguments, past libc.
        return unsafe { libc::syscall(libc::SYS_clock_gettime, clock, time) as c_int };
    }
    // SAFETY: the symbol found under this name has this signature.
    let call: unsafe extern "C" fn(libc::clockid_t, *mut libc::timespec) -> c_int =
        unsafe { std::mem::transmute(real) };
    // SAFETY: passed on as the caller gave it.
    unsafe { call(clock, time) }
}

/// `gettimeofday(2)`.
///
/// # Safety
/// As libc's: `time` is null or points to a `timeval` that may be written.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn gettimeofday(time: *mut libc::timeval, zone: *mut c_void) -> c_int {
    static REAL: AtomicPtr<c_void> = AtomicPtr::new(std::ptr::null_mut());
    if let Some(nanos) = inside(World::wall) {
        if !time.is_null() {
            let value =
                libc::timeval { tv_sec: (nanos / NANOS) as libc::time_t, tv_usec: ((nanos % NANOS) / 1_000) as _ };
            // SAFETY: the caller gave a pointer to a timeval.
            unsafe { time.write(value) };
        }
        return 0;
    }
    let real = real(c"gettimeofday", &REAL);
    if real.is_null() {
        // SAFETY: the same call, with the caller's arguments, past libc.
        return unsafe { libc::syscall(libc::SYS_gettimeofday, time, zone) as c_int };
    }
    // SAFETY: the symbol found under this name has this signature.
    let call: unsafe extern "C" fn(*mut libc::timeval, *mut c_void) -> c_int = unsafe { std::mem::transmute(real) };
    // SAFETY: passed on as the caller gave it.
    unsafe { call(time, zone) }
}

/// `time(2)`.
///
/// # Safety
/// As libc's: `time` is null or points to a `time_t` that may be written.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn time(time: *mut libc::time_t) -> libc::time_t {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a local timespec.
    unsafe { clock_gettime(libc::CLOCK_REALTIME, &raw mut now) };
    if !time.is_null() {
        // SAFETY: the caller gave a pointer to a time_t.
        unsafe { time.write(now.tv_sec) };
    }
    now.tv_sec
}

/// Fills the caller's buffer from the world; `None` outside of one.
///
/// # Safety
/// `buffer` points to `length` bytes that may be written, or `length` is zero.
unsafe fn fill(buffer: *mut c_void, length: usize) -> Option<()> {
    inside(|world| {
        // A probe of zero bytes may come with a null pointer, which no slice may have.
        if length > 0 {
            // SAFETY: as this function's contract says. Zeroed first, so that a slice of it is initialised.
            let bytes = unsafe {
                buffer.cast::<u8>().write_bytes(0, length);
                std::slice::from_raw_parts_mut(buffer.cast::<u8>(), length)
            };
            world.fill_entropy(bytes);
        }
    })
}

/// `getrandom(2)`.
///
/// # Safety
/// As libc's: `buffer` points to `length` bytes that may be written.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn getrandom(buffer: *mut c_void, length: libc::size_t, flags: c_uint) -> libc::ssize_t {
    // SAFETY: the caller's contract is the one that is asked for.
    if unsafe { fill(buffer, length) }.is_some() {
        return length as libc::ssize_t;
    }
    // SAFETY: the same call, with the caller's arguments, past libc.
    unsafe { libc::syscall(libc::SYS_getrandom, buffer, length, flags) as libc::ssize_t }
}

/// `getentropy(3)`.
///
/// # Safety
/// As libc's: `buffer` points to `length` bytes that may be written.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn getentropy(buffer: *mut c_void, length: libc::size_t) -> c_int {
    static REAL: AtomicPtr<c_void> = AtomicPtr::new(std::ptr::null_mut());
    // SAFETY: the caller's contract is the one that is asked for.
    if unsafe { fill(buffer, length) }.is_some() {
        return 0;
    }
    let real = real(c"getentropy", &REAL);
    if real.is_null() {
        return -1;
    }
    // SAFETY: the symbol found under this name has this signature.
    let call: unsafe extern "C" fn(*mut c_void, libc::size_t) -> c_int = unsafe { std::mem::transmute(real) };
    // SAFETY: passed on as the caller gave it.
    unsafe { call(buffer, length) }
}

/// `syscall(2)`, whose further arguments are numbers and pointers: Linux passes as many as six, each in a register, to a
/// function that takes any number of them as to one that takes six.
///
/// # Safety
/// As that of the call that `number` names.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn syscall(
    number: c_long,
    one: usize,
    two: usize,
    three: usize,
    four: usize,
    five: usize,
    six: usize,
) -> c_long {
    static REAL: AtomicPtr<c_void> = AtomicPtr::new(std::ptr::null_mut());
    if number == libc::SYS_getrandom {
        // SAFETY: the caller's contract is that of getrandom: a buffer and its length.
        if unsafe { fill(one as *mut c_void, two) }.is_some() {
            return two as c_long;
        }
    } else if number == libc::SYS_clock_gettime
        && let Some(nanos) = inside(|world| simulated(world, one as libc::clockid_t))
    {
        // SAFETY: the caller's contract is that of clock_gettime: a clock, and a pointer to a timespec.
        unsafe { (two as *mut libc::timespec).write(timespec(nanos)) };
        return 0;
    }
    let real = real(c"syscall", &REAL);
    if real.is_null() {
        return -1;
    }
    // SAFETY: the symbol found under this name takes any number of arguments, and so these.
    let call: unsafe extern "C" fn(c_long, usize, usize, usize, usize, usize, usize) -> c_long =
        unsafe { std::mem::transmute(real) };
    // SAFETY: passed on as the caller gave it.
    unsafe { call(number, one, two, three, four, five, six) }
}
