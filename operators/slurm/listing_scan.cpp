#include "listing_scan.hpp"

#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace potoo::slurm {
namespace {

namespace json = boost::json;
using boost::system::error_code;

constexpr std::size_t deepest_list = 64;
/// A longer text is cut: longer than any path.
constexpr std::size_t longest_text = 8192;

/// Depths of the containers: the document's object, its list of jobs, a job.
constexpr std::size_t in_document = 1;
constexpr std::size_t in_list = 2;
constexpr std::size_t in_job = 3;

enum class field : std::uint8_t
{
    other,
    job_id,
    array_job_id,
    array_task_id,
    array_task_string,
    job_state,
    exit_code,
    state_reason,
    state_description,
    comment,
    name,
    user_name,
    standard_output,
    standard_error,
    directory,
    nodes,
    batch_host,
    restart_cnt,
    stamp,
    end_time,
};

field field_of(std::string_view name)
{
    static constexpr std::array<std::pair<std::string_view, field>, 20> names{{
        {"job_id", field::job_id},
        {"array_job_id", field::array_job_id},
        {"array_task_id", field::array_task_id},
        {"array_task_string", field::array_task_string},
        {"job_state", field::job_state},
        {"exit_code", field::exit_code},
        {"state_reason", field::state_reason},
        {"state_description", field::state_description},
        {"comment", field::comment},
        {"name", field::name},
        {"user_name", field::user_name},
        {"standard_output", field::standard_output},
        {"standard_error", field::standard_error},
        {"current_working_directory", field::directory},
        {"nodes", field::nodes},
        {"batch_host", field::batch_host},
        {"restart_cnt", field::restart_cnt},
        {"submit_time", field::stamp},
        {"last_sched_evaluation", field::stamp},
        {"end_time", field::end_time},
    }};
    const auto* found = std::find_if(names.begin(), names.end(), [&](const auto& n) { return n.first == name; });
    return found == names.end() ? field::other : found->second;
}

/// Otherwise the time of its end may lie ahead: that of its time limit.
bool has_ended(std::string_view state)
{
    static constexpr std::array<std::string_view, 9> ends{"COMPLETED", "FAILED",    "CANCELLED",
                                                          "TIMEOUT",   "NODE_FAIL", "PREEMPTED",
                                                          "BOOT_FAIL", "DEADLINE",  "OUT_OF_MEMORY"};
    return std::find(ends.begin(), ends.end(), state) != ends.end();
}

class handler
{
  public:
    static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_key_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();

    std::function<void(const listed_job&)> sink;
    std::int64_t made_at = 0;
    bool list_found = false;

    bool on_document_begin(error_code&) { return true; }

    bool on_document_end(error_code&) { return true; }

    bool on_object_begin(error_code&)
    {
        if (in_jobs_ && depth_ == in_list) {
            job_ = {};
            end_time_ = 0;
        }
        if (depth_ == in_job)
            unset_ = false;
        ++depth_;
        return true;
    }

    bool on_object_end(std::size_t, error_code&)
    {
        --depth_;
        if (!in_jobs_)
            return true;
        if (depth_ == in_job && unset_)
            number(0, true);
        if (depth_ == in_list)
            end_job();
        return true;
    }

    bool on_array_begin(error_code&)
    {
        ++depth_;
        if (depth_ == in_list && section_ == "jobs")
            in_jobs_ = list_found = true;
        return true;
    }

    bool on_array_end(std::size_t, error_code&)
    {
        if (depth_ == in_list)
            in_jobs_ = false;
        --depth_;
        return true;
    }

    bool on_key_part(json::string_view s, std::size_t, error_code&) { return append(s); }

    bool on_key(json::string_view s, std::size_t, error_code&)
    {
        append(s);
        if (depth_ == in_document)
            section_ = text_;
        if (depth_ == in_job && in_jobs_)
            field_ = field_of(text_);
        if (depth_ == in_job + 1)
            member_ = text_;
        if (depth_ >= in_document)
            leaf_ = text_;
        text_.clear();
        return true;
    }

    bool on_string_part(json::string_view s, std::size_t, error_code&) { return append(s); }

    bool on_string(json::string_view s, std::size_t, error_code&)
    {
        append(s);
        if (in_jobs_ && depth_ >= in_job)
            text_value();
        text_.clear();
        return true;
    }

    bool on_number_part(json::string_view, error_code&) { return true; }

    bool on_int64(std::int64_t n, json::string_view, error_code&)
    {
        number(n, false);
        return true;
    }

    bool on_uint64(std::uint64_t n, json::string_view, error_code&)
    {
        number(static_cast<std::int64_t>(std::min<std::uint64_t>(n, INT64_MAX)), false);
        return true;
    }

    bool on_double(double, json::string_view, error_code&) { return true; }

    bool on_bool(bool b, error_code&)
    {
        unset_ |= depth_ == in_job + 1 && leaf_ == "set" && !b;
        return true;
    }

    bool on_null(error_code&) { return true; }

    bool on_comment_part(json::string_view, error_code&) { return true; }

    bool on_comment(json::string_view, error_code&) { return true; }

  private:
    bool append(json::string_view s)
    {
        text_.append(s.data(), std::min(s.size(), longest_text - std::min(text_.size(), longest_text)));
        return true;
    }

    std::string* text_of(field f)
    {
        switch (f) {
        case field::array_task_string:
            return &job_.elements;
        case field::state_reason:
            return &job_.reason;
        case field::state_description:
            return &job_.description;
        case field::comment:
            return &job_.comment;
        case field::name:
            return &job_.name;
        case field::user_name:
            return &job_.user;
        case field::standard_output:
            return &job_.standard_output;
        case field::standard_error:
            return &job_.standard_error;
        case field::directory:
            return &job_.directory;
        case field::nodes:
            return &job_.nodes;
        case field::batch_host:
            return &job_.batch_host;
        default:
            return nullptr;
        }
    }

    void text_value()
    {
        if (field_ == field::job_state) {
            if (!job_.state.empty())
                job_.state += ' ';
            job_.state += text_;
        } else if (std::string* to = depth_ == in_job ? text_of(field_) : nullptr) {
            to->assign(text_);
        }
    }

    /// A number stands by itself, or as `number` in an object whose `set` says whether there is one.
    void number(std::int64_t n, bool none)
    {
        if (section_ == "last_update" && depth_ <= in_list && (depth_ == in_document || leaf_ == "number"))
            made_at = n;
        if (!in_jobs_ || depth_ < in_job)
            return;
        if (field_ == field::exit_code)
            exit_number(n);
        else if (depth_ == in_job || leaf_ == "number")
            job_number(n, none);
    }

    /// `768`, or an object of `return_code` and `signal`, which are numbers, or objects that hold them.
    void exit_number(std::int64_t n)
    {
        if (depth_ == in_job)
            job_.exit_status |= static_cast<std::uint32_t>(n);
        else if (member_ == "return_code" && (leaf_ == "return_code" || leaf_ == "number"))
            job_.exit_status |= static_cast<std::uint32_t>(n & 0xff) << 8U;
        else if (member_ == "signal" && (leaf_ == "number" || leaf_ == "signal_id" || leaf_ == "signal"))
            job_.exit_status |= static_cast<std::uint32_t>(n & 0x7f);
    }

    void job_number(std::int64_t n, bool none)
    {
        switch (field_) {
        case field::job_id:
            job_.id = static_cast<std::uint64_t>(n);
            break;
        case field::array_job_id:
            job_.array_id = static_cast<std::uint64_t>(n);
            break;
        case field::array_task_id:
            job_.element = none ? no_element : static_cast<std::uint32_t>(n);
            break;
        case field::restart_cnt:
            job_.restarts = static_cast<std::uint32_t>(n);
            break;
        case field::stamp:
            job_.stamp = std::max(job_.stamp, n);
            break;
        case field::end_time:
            end_time_ = n;
            break;
        default:
            break;
        }
    }

    void end_job()
    {
        if (has_ended(job_.state))
            job_.stamp = std::max(job_.stamp, end_time_);
        field_ = field::other;
        sink(job_);
    }

    std::size_t depth_ = 0; ///< containers that are open
    bool in_jobs_ = false;
    field field_ = field::other;
    bool unset_ = false; ///< the object that is a member of a job says that there is no number
    std::string section_;
    std::string member_; ///< of such an object
    std::string leaf_;   ///< latest name
    std::string text_;   ///< what has come of a name or string
    std::int64_t end_time_ = 0;
    listed_job job_;
};

json::parse_options options()
{
    json::parse_options o;
    o.max_depth = deepest_list;
    return o;
}

} // namespace

struct listing_scanner::parts
{
    json::basic_parser<handler> parser{options()};
    bool broken = false;
};

listing_scanner::listing_scanner(std::function<void(const listed_job&)> sink) : parts_(std::make_unique<parts>())
{
    parts_->parser.handler().sink = std::move(sink);
}

listing_scanner::~listing_scanner() = default;

bool listing_scanner::add(std::string_view piece)
{
    if (parts_->broken)
        return false;
    error_code ec;
    const std::size_t n = parts_->parser.write_some(true, piece.data(), piece.size(), ec);
    parts_->broken = ec.failed() || n != piece.size();
    return !parts_->broken;
}

bool listing_scanner::finish()
{
    if (parts_->broken)
        return false;
    error_code ec;
    parts_->parser.write_some(false, "", 0, ec);
    return !ec.failed() && parts_->parser.handler().list_found;
}

std::int64_t listing_scanner::made_at() const noexcept
{
    return parts_->parser.handler().made_at;
}

} // namespace potoo::slurm
