#pragma once
/// @file
/// What this process has used: processor time of all its threads, and resident memory.

#include <chrono>
#include <fstream>
#include <sys/resource.h>
#include <unistd.h>

namespace potoo::bench {

inline double seconds(const timeval& t)
{
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
}

inline double cpu_seconds(const rusage& u)
{
    return seconds(u.ru_utime) + seconds(u.ru_stime);
}

inline rusage own_usage()
{
    rusage u{};
    ::getrusage(RUSAGE_SELF, &u);
    return u;
}

inline double cpu_seconds()
{
    return cpu_seconds(own_usage());
}

/// Without what the kernel did for it.
inline double user_seconds()
{
    return seconds(own_usage().ru_utime);
}

inline double resident_bytes()
{
    std::ifstream in("/proc/self/statm");
    long total = 0;
    long resident = 0;
    in >> total >> resident;
    return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

inline double seconds_since(std::chrono::steady_clock::time_point t)
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - t).count();
}

} // namespace potoo::bench
