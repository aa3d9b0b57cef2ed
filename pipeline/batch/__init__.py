"""Many pictures: python -m pipeline PICTURE... --out FOLDER

tasks       what there is to do
stage       what one step of the work is
describer   the first stage: a description for each picture
sounder     the second: a sound for each description
record      what the first stage writes down for the second
run         all tasks through the stages that a plan needs
workers     the same on several processes, cluster: on Ray
crashes     pictures that kill their process
storage     folders of this machine and elsewhere
progress    what a person sees of a run
command     the command line
"""
