"""The study: compare one or more trees of results, and measure how well picture and sound agree.

groups      results by the models that made them; pictures identified by their hashes
figures     every number of a result, with its meaning
statistics  paired differences, shares, agreement of raters
comparison  two groups compared on the same pictures
ranks       model scores of true pairs among shuffled ones
ratings     answers of listeners
examples    the best and the worst results of a group
study       all computations together
report      index.html with plots, tables and sounds
listening   the blind listening page
"""
