"""The study: what a tree of results, or several, say of how well sight and sound agree.

groups      results sorted by what made them, pictures known by their hashes
figures     every number of a result, and what it means
statistics  pairs, shares, raters
comparison  two groups on the same pictures
ranks       true pairs among shuffled ones
ratings     what people said
study       all of it together
report      index.html, with plots, tables and examples to be heard
listening   the blind listening page that asks people
"""
