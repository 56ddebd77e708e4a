#include "job_state.hpp"
#include "listing.hpp"

#include <fmt/format.h>

#include <utility>

namespace potoo::slurm {

job_watch::job_watch(context& ctx, job_listing& l, std::shared_ptr<const manners> m)
    : watch(l), context_(ctx), listing_(l), manners_(std::move(m))
{}

job_watch::~job_watch()
{
    listing_.remove(*this);
}

job_watch::notes& job_watch::remarks()
{
    if (!notes_)
        notes_ = std::make_unique<notes>();
    return *notes_;
}

outside job_watch::reach() const
{
    return {context_.loop(), context_.http(), context_.processes()};
}

void job_watch::prepare(const job_id& id)
{
    const auto key = parse_job_key(id.value());
    if (!key)
        throw fatal(fmt::format("the journal's job id {} is none of Slurm's", id.value()), "bad_job_id");
    id_ = &id;
    if (notes_) {
        notes_->missed = false;
        notes_->met_stranger = false;
        notes_->said.clear();
        notes_->result.reset();
        notes_->record.reset();
    }
    listing_.remove(*this);
    listing_.add(*this, *key);
}

job_result job_watch::take_result()
{
    listing_.remove(*this);
    return std::move(*notes_->result);
}

const listed_job* job_watch::ended_as() const noexcept
{
    return notes_ && notes_->record ? &*notes_->record : nullptr;
}

const poll_pace& job_watch::pace() const noexcept
{
    return notes_ && notes_->told_to_stop ? manners_->pace_to_the_end : manners_->pace;
}

bool job_watch::judge(const json::value&)
{
    return false;
}

void job_watch::say(const std::string& what)
{
    if (what.empty()) {
        if (notes_)
            notes_->said.clear();
        return;
    }
    if (remarks().said == what)
        return;
    remarks().said = what;
    context_.log(what);
}

bool job_watch::judge_listed(const listed_job& j, bool sure)
{
    if (notes_)
        notes_->missed = notes_->met_stranger = false;
    if (!sure && notes_ && notes_->told_to_stop) {
        // An element that has begun has a record of its own; one that has not, and was told to stop, is gone.
        notes_->result.emplace().ended = job_result::state::cancelled;
        return true;
    }
    auto end = end_of(j, id_->value());
    if (!end) {
        say(notice_of(j, id_->value()));
        return false;
    }
    remarks().result = std::move(*end);
    remarks().record = j;
    return true;
}

bool job_watch::is_stranger(const listed_job& j) const
{
    return j.comment != (manners_->array ? context_.group_token() : context_.token()).value();
}

bool job_watch::judge_missing()
{
    notes& n = remarks();
    if (!n.told_to_stop && !std::exchange(n.missed, true))
        return false;
    job_result& r = n.result.emplace();
    r.ended = n.told_to_stop ? job_result::state::cancelled : job_result::state::lost;
    r.error = n.told_to_stop
                  ? fmt::format("the job {} was told to stop, and Slurm does not know it any more", id_->value())
              : n.met_stranger
                  ? fmt::format("Slurm does not know the job {} any more, and has given its id to another job: its "
                                "controller lost what it had not written down when it went down",
                                id_->value())
                  : fmt::format("Slurm does not know the job {} any more: ended jobs are forgotten after the cluster's "
                                "MinJobAge, and elements of an array that are cancelled before they begin at once",
                                id_->value());
    return true;
}

void job_watch::disturbed(std::string_view why)
{
    say(fmt::format("cannot ask about the job {}: {}; asking again", id_->value(), why));
}

} // namespace potoo::slurm
