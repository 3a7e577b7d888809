//! The processor's time-stamp counter: the cheapest clock there is, where it runs at one rate for all cores.
#![cfg_attr(target_arch = "x86_64", expect(unsafe_code, reason = "the counter is read by an instruction"))]

/// Whether the counter exists and never changes its rate, whatever the cores do.
pub(super) fn is_invariant() -> bool {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        let highest = core::arch::x86_64::__cpuid(0x8000_0000).eax;
        highest >= 0x8000_0007 && core::arch::x86_64::__cpuid(0x8000_0007).edx & (1 << 8) != 0
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    false
}

/// The counter; 0 where there is none.
#[inline]
pub(super) fn read() -> u64 {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    {
        // SAFETY: the instruction reads a register of the processor and touches no memory.
        unsafe { core::arch::x86_64::_rdtsc() }
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    0
}
