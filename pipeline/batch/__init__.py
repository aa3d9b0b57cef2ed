"""Many pictures: python -m pipeline PICTURE... --out FOLDER

tasks       the pictures to process, and the names of their results
stage       the plan of a run, and the base class of its stages
describer   the first stage: picture to description
sounder     the second stage: description to sound
inputs      the files that stages read
record      what the first stage saves about each description
run         all tasks through all stages that the plan needs
workers     the same on several processes
cluster     the same on Ray
crashes     pictures that kill their process
failures    failures.jsonl
storage     local and remote files
progress    the lines that a run prints
command     the command line
"""
