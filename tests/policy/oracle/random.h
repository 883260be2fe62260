// SPDX-License-Identifier: Apache-2.0
// Random policies and requests, from a small world in which they meet often.
#pragma once

#include "tests/policy/oracle/dice.h"
#include "tests/policy/oracle/model.h"

namespace jit::policy::oracle {

// What the language can say and the loader takes, but for approvals that nobody can fill (E06, E07): chance makes those too.
Model random_model(Dice& dice);
// A permit or a guard over the objects of `model`; the caller adds it.
Rule random_rule(const Model& model, Dice& dice, bool permit, const std::string& id);
Ask random_ask(const Model& model, Dice& dice);

// random_values.cpp: the small world.
const std::vector<std::string>& all_users();
Name random_principal(const Model& model, Dice& dice, bool with_sets);
void add_objects(Model& model, Dice& dice);
void add_people(Model& model, Dice& dice);
FactTest random_fact_test(const Model& model, Dice& dice);
Value random_value(const std::string& attribute, Dice& dice);
Identity random_identity(const Model& model, Dice& dice);
Identity odd_account(const Model& model, Dice& dice);
Identity account(const Model& model, const std::string& user);

}  // namespace jit::policy::oracle
