/// Any bytes as what a service sends piece by piece: Docker's log, Kubernetes' watch, Slurm's list of jobs. Of the
/// first byte, the low bits choose which, the high ones the size of the pieces. However they are cut, what is read must
/// be the same.

#include "claim.hpp"

#include "operators/docker/docker_log.hpp"
#include "operators/kubernetes/watch_lines.hpp"
#include "operators/slurm/listing_scan.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using namespace potoo;
using fuzz::claim;

namespace {

/// Gives the bytes in pieces until `put` wants no more. @return false when it did not want all
template <class Put>
bool in_pieces(std::string_view bytes, std::size_t piece, Put put)
{
    while (!bytes.empty()) {
        if (!put(bytes.substr(0, piece)))
            return false;
        bytes.remove_prefix(std::min(piece, bytes.size()));
    }
    return true;
}

std::string read_docker(std::string_view bytes, std::size_t piece, bool terminal)
{
    std::string out;
    std::string err;
    docker::log_frames frames(terminal, [&](output_stream stream, std::string_view text) {
        (stream == output_stream::standard_output ? out : err).append(text);
    });
    const bool good = in_pieces(bytes, piece, [&](std::string_view part) { return frames.put(part); });
    claim(out.size() + err.size() <= bytes.size(), "a log is no longer than what was sent");
    claim(!terminal || (good && out == bytes), "a terminal's log is what was sent");
    return good ? out + '\x1f' + err + (frames.complete() ? "." : "…") : "no frames";
}

std::string read_watch(std::string_view bytes, std::size_t piece)
{
    std::string all;
    kubernetes::line_splitter lines([&](std::string_view line) {
        claim(!line.empty() && line.find('\n') == std::string_view::npos, "an event is one line");
        all.append(line).append(1, '\x1f');
        return true;
    });
    claim(in_pieces(bytes, piece, [&](std::string_view part) { return lines.add(part); }), "no line is too long here");
    return all;
}

std::string read_slurm(std::string_view bytes, std::size_t piece)
{
    std::string all;
    slurm::listing_scanner scanner([&](const slurm::listed_job& j) {
        all += std::to_string(j.id) + ' ' + std::to_string(j.array_id) + ' ' + std::to_string(j.element) + ' ' +
               std::to_string(j.exit_status) + ' ' + std::to_string(j.stamp);
        for (const std::string* text : {&j.elements, &j.state, &j.reason, &j.comment, &j.name, &j.standard_output})
            all.append(1, '\x1f').append(*text);
    });
    const bool taken = in_pieces(bytes, piece, [&](std::string_view part) { return scanner.add(part); });
    const bool whole = taken && scanner.finish();
    // Of a list that breaks off it depends on the pieces how much of it was seen.
    return whole ? all + std::to_string(scanner.made_at()) : "no list";
}

std::string read(std::uint8_t kind, std::string_view bytes, std::size_t piece)
{
    switch (kind) {
    case 0:
        return read_docker(bytes, piece, false);
    case 1:
        return read_docker(bytes, piece, true);
    case 2:
        return read_watch(bytes, piece);
    default:
        return read_slurm(bytes, piece);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size == 0)
        return -1;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::uint8_t kind = data[0] & 3U;
    const std::string whole = read(kind, bytes, std::max<std::size_t>(bytes.size(), 1));
    claim(whole == read(kind, bytes, 1U + (data[0] >> 2U)), "what is read does not depend on how it is cut");
    return 0;
}
