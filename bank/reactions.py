"""What follows from an entry: journal kind -> jobs. The product's promises on one screen."""

from bank.allocation import jobs as allocation_jobs
from bank.donations import jobs as donations_jobs
from bank.identity import jobs as identity_jobs
from bank.journal import Kind
from bank.office import jobs as office_jobs
from bank.work import Reactions
from bank.workshops import jobs as workshops_jobs

REACTIONS: Reactions = {
    Kind.BATCH_ACCEPTED: (("donations.tell_donor", donations_jobs.tell_donor),),
    Kind.BATCH_REFUSED: (("donations.tell_donor", donations_jobs.tell_donor),),
    Kind.BATCH_IMPORTED: (("donations.import_rows", donations_jobs.import_rows),),
    Kind.DEVICE_LOSE: (("allocation.let_go", allocation_jobs.let_go),),
    Kind.DEVICE_RECHECK: (("allocation.let_go", allocation_jobs.let_go),),
    Kind.INCIDENT_OPENED: (("workshops.tell_incident", workshops_jobs.tell_incident),),
    Kind.LABELS_PRINTED: (("office.draw", office_jobs.draw),),
    Kind.LABELS_REPRINTED: (("office.draw", office_jobs.draw),),
    Kind.PERSON_INVITED: (("identity.send_invitation", identity_jobs.send_invitation),),
    Kind.PERSON_RESET_ASKED: (("identity.send_reset", identity_jobs.send_reset),),
}
