// How search and resume end: the table, where the files are, the exit code.
#pragma once

#include "cli/command.h"
#include "search/search.h"

namespace atml::cli {

int print_ending(const Session& session, const search::Finished& finished,
                 const search::Places& places);

}  // namespace atml::cli
