#include "engine/host/control_address.hpp"

#include "engine/journal/store_error.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>

namespace potoo::host {

namespace {

constexpr const char* socket_name = "control.sock";
constexpr int waiting_clients = 128;

} // namespace

control_address::control_address(const journal::state_layout& layout)
    : directory_(::open(layout.directory().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)),
      path_(layout.control_socket().string()), address_(path_)
{
    if (directory_ < 0)
        throw std::system_error(errno, std::system_category(),
                                fmt::format("the state directory '{}' cannot be opened", layout.directory().string()));
    if (address_.size() >= sizeof(sockaddr_un::sun_path))
        address_ = fmt::format("/proc/self/fd/{}/{}", directory_, socket_name);
}

control_address::~control_address()
{
    ::close(directory_);
}

int control_address::listen() const
{
    const auto refuse = [this](int error) {
        throw journal::store_error(error == EACCES || error == EROFS ? journal::store_error_kind::read_only
                                                                     : journal::store_error_kind::io,
                                   fmt::format("cannot listen on '{}': {}; choose another place with --state", path_,
                                               std::system_category().message(error)));
    };
    struct stat there{};
    if (::fstatat(directory_, socket_name, &there, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISSOCK(there.st_mode))
        throw journal::store_error(journal::store_error_kind::foreign,
                                   fmt::format("'{}' is not a socket; move it out of the way", path_));
    remove();
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0)
        refuse(errno);
    const auto address = endpoint();
    // The mode that the file gets from the start: there is no moment in which others could connect.
    if (::fchmod(descriptor, 0600) != 0 ||
        ::bind(descriptor, address.data(), static_cast<socklen_t>(address.size())) != 0 ||
        ::fchmodat(directory_, socket_name, 0600, 0) != 0 || ::listen(descriptor, waiting_clients) != 0) {
        const int error = errno;
        ::close(descriptor);
        refuse(error);
    }
    return descriptor;
}

void control_address::remove() const noexcept
{
    ::unlinkat(directory_, socket_name, 0);
}

} // namespace potoo::host
